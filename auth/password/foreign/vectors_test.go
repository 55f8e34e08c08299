package foreign

import "testing"

// vector is a published hash.
type vector struct{ from, password, hash, weak string }

const (
	firebaseKey  = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
	firebaseHash = "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=" + firebaseKey +
		"$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="
	over72 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored"
)

var vectors = []vector{
	{"the argon2 reference implementation, src/test.c", "password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", ""},
	{"the argon2 reference implementation, src/test.c", "password", "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA", "argon2i: number of passes 2 is below 3"},
	{"crypt_blowfish, wrapper.c", "U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "bcrypt: cost 5 is below 10"},
	{"crypt_blowfish, wrapper.c", "\xa3", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq", "bcrypt: cost 5 is below 10"},
	{"crypt_blowfish, wrapper.c", over72, "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui", "bcrypt: cost 5 is below 10"},
	{"RFC 7914 §12", "pleaseletmein", "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw", ""},
	{"passlib, scrypt", "password", "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E", ""},
	{"github.com/firebase/scrypt", "user1password", firebaseHash, ""},
	{"RFC 6070", "password", "$pbkdf2-sha1$i=4096,l=20$c2FsdA$SwB5AbdlSJq+rUnZJvch0GWkKcE", "PBKDF2-SHA1: number of iterations 4096 is below 400000"},
	{"RFC 7914 §11", "Password", "$pbkdf2-sha256$i=80000$TmFDbA$TdzY9guYviGDDO5e8icB+WQaRBjQTAQUrv8Ih2s0q1ah1CWhIlgzVJrbhBtRybMXaicr3ruh0HhHj2Kzl/M8jQ", "PBKDF2-SHA256: number of iterations 80000 is below 200000"},
	{"hashcat 20200", "hashcat", "$pbkdf2-sha512$25000$LyWE0HrP2RsjZCxlDGFMKQ$1vC5Ohk2mCS9b6akqsEfgeb4l74SF8XjH.SljXf3dMLHdlY1GK9ojcCKts6/asR4aPqBmk74nCDddU3tvSCJvw", "PBKDF2-SHA512: number of iterations 25000 is below 100000"},
	{"go-crypt", "password", "$pbkdf2$100000$atrXFCWdBlpmzIi/nXwJOw$20Lsx44nZwmh09bjGHFJ//oRZh8", "PBKDF2-SHA1: number of iterations 100000 is below 400000"},
	{"go-crypt", "password", "$pbkdf2-sha512$100000$bHfSOIyj0UDoCo1Q4Bz49w$v/olF/T/R6On84NuHlNCiI/sUwsdyOC7J4cO8Cz7feNtLHHEKNjayeEZj0b/Js/cgkMK6zLFw2vynLo2el028Q", ""},
	{"Django, tests/auth_tests/test_hashers.py", "lètmein", "pbkdf2_sha256$390000$seasalt$8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxro7c=", "Django PBKDF2-SHA256: a salt of 7 bytes is below 8"},
	{"ASP.NET Core, PasswordHasherTest.cs, v2", "my password", "ANXrDknc7fGPpigibZXXZFMX4aoqz44JveK6jQuwY3eH/UyPhvr5xTPeGYEckLxz9A==", "ASP.NET Core Identity: number of iterations 1000 is below 400000"},
	{"ASP.NET Core, PasswordHasherTest.cs, v3 with SHA-1", "my password", "AQAAAAAAAAD6AAAAEAhftMyfTJylOlZT+eEotFXd1elee8ih5WsjXaR3PA9M", "ASP.NET Core Identity: number of iterations 250 is below 400000"},
	{"ASP.NET Core, PasswordHasherTest.cs, v3 with SHA-256", "my password", "AQAAAAEAA9CQAAAAIESkQuj2Du8Y+kbc5lcN/W/3NiAZFEm11P27nrSN5/tId+bR1SwV8CO1Jd72r4C08OLvplNlCDc3oQZ8efcW+jQ=", ""},
	{"ASP.NET Core, PasswordHasherTest.cs, v3 with SHA-512", "my password", "AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw", "ASP.NET Core Identity: number of iterations 50 is below 100000"},
	{"SHA-crypt.txt", "Hello world!", "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1", "sha512-crypt: number of rounds 5000 is below 50000"},
	{"SHA-crypt.txt", "Hello world!", "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.", "sha512-crypt: number of rounds 10000 is below 50000"},
}

func TestPublishedHashesMatch(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.from+" "+v.hash[:12], func(t *testing.T) {
			h, err := Parse(v.hash)
			if err != nil {
				t.Fatal(err)
			}
			if !h.Matches([]byte(v.password)) {
				t.Error("the password does not match")
			}
			if h.Matches([]byte("x" + v.password)) {
				t.Error("another password matches")
			}
			if h.Weak() != v.weak || h.String() != v.hash {
				t.Errorf("weak: %q; text %q", h.Weak(), h.String())
			}
		})
	}
}
