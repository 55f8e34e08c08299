package modelstest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// errNoPostgres: PostgreSQL cannot be run on this machine.
var errNoPostgres = errors.New("no PostgreSQL here")

// install is where the programs of one PostgreSQL are.
type install struct{ initdb, postgres string }

// findInstall looks beside the postgres on the path, then where pg_config
// points, then where Debian puts them, newest first.
func findInstall() (install, error) {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(debian, func(a, b string) int { return majorVersion(b) - majorVersion(a) })
	return firstInstall(append(dirs, debian...))
}

func firstInstall(dirs []string) (install, error) {
	for _, dir := range dirs {
		in := install{filepath.Join(dir, "initdb"), filepath.Join(dir, "postgres")}
		_, err1 := exec.LookPath(in.initdb)
		_, err2 := exec.LookPath(in.postgres)
		if err1 == nil && err2 == nil {
			return in, nil
		}
	}
	return install{}, fmt.Errorf("%w: initdb and postgres were not found", errNoPostgres)
}

// majorVersion reads 15 from /usr/lib/postgresql/15/bin.
func majorVersion(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return n
}

// account is the operating system user that the server runs as. PostgreSQL
// refuses to be root, and so do we.
type account struct {
	uid, gid int
	other    bool // not ourselves: processes must change over, files be given away
}

// serverAccount is ourselves, or the user "postgres" when we are root.
func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return account{}, fmt.Errorf("%w: we are root, and there is no user postgres to run it as", errNoPostgres)
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2); err != nil || uid == 0 {
		return account{}, fmt.Errorf("%w: the user postgres has uid %s", errNoPostgres, u.Uid)
	}
	return account{uid: uid, gid: gid, other: true}, nil
}

// own gives a file of ours to the account.
func (a account) own(path string) error {
	if !a.other {
		return nil
	}
	return os.Chown(path, a.uid, a.gid)
}
