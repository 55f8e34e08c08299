// Package foreign verifies the password hashes of other systems, whose users an operator imports. It parses and judges a hash when it is
// imported, so that no sign-in can set off one that is too expensive: each format has a cap on its costs. Each format also has a floor.
// A hash below it is weak: the caller accepts it only when the operator says so, and for a limited time.
//
// The formats are those of crypt(3) and PHC strings, and those of Django, ASP.NET Core Identity and Firebase; see [Parse].
package foreign
