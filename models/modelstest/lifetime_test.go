package modelstest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// childEnv makes TestChild, in a process of its own, use the shared cluster and
// then end in the way it names.
const childEnv = "LATCHKEY_TEST_CHILD"

func TestChild(t *testing.T) {
	end := os.Getenv(childEnv)
	if end == "" {
		return // it is the other half of TestNothingSurvivesTheTestProcess
	}
	Postgres(t)
	fmt.Printf("child %s %d\n", shared.cluster.dir.path, shared.cluster.proc.cmd.Process.Pid)
	switch end {
	case "panic":
		go panic("on another goroutine, which no test recovers")
	case "killed":
	default:
		return
	}
	time.Sleep(time.Minute)
}

func TestNothingSurvivesTheTestProcess(t *testing.T) {
	if _, err := findInstall(); err != nil {
		unavailable(t, err)
	}
	for _, c := range []struct {
		end  string
		left bool // a directory stays behind, for the next start to remove
	}{{"finished", false}, {"panic", true}, {"killed", true}} {
		t.Run(c.end, func(t *testing.T) {
			if c.left && runtime.GOOS != "linux" {
				t.Skip("needs the parent-death signal")
			}
			dir, pid := runChild(t, c.end, ownTemp(t))
			waitGone(t, pid)
			if _, err := os.Stat(dir); c.left != (err == nil) {
				t.Fatalf("directory: %v, left behind should be %v", err, c.left)
			}
			sweep(filepath.Dir(dir))
			if _, err := os.Stat(dir); !os.IsNotExist(err) {
				t.Errorf("%s outlived the next start (%v)", dir, err)
			}
		})
	}
}

// ownTemp is a temporary directory that the server's account can reach and that
// no other test process sweeps.
func ownTemp(t *testing.T) string {
	t.Helper()
	a, err := serverAccount()
	if err != nil {
		unavailable(t, err)
	}
	base, err := baseDirectory(a)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(base, "latchkey-child-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// runChild runs TestChild to its end and returns what it used.
func runChild(t *testing.T, end, temp string) (dir string, pid int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.v")
	cmd.Env = append(os.Environ(), childEnv+"="+end, ServerEnv+"=", "TMPDIR="+temp)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for pid == 0 && lines.Scan() {
		if _, err := fmt.Sscanf(lines.Text(), "child %s %d", &dir, &pid); err != nil {
			continue // a line of package testing
		}
	}
	if pid == 0 {
		t.Fatalf("the child did not start a cluster: %v", cmd.Wait())
	}
	if end == "killed" {
		cmd.Process.Kill()
	}
	if _, err := io.Copy(io.Discard, out); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); (err == nil) != (end == "finished") {
		t.Fatalf("the child ended with %v", err)
	}
	return dir, pid
}

func waitGone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if syscall.Kill(pid, 0) == syscall.ESRCH || zombie(pid) {
			return
		}
	}
	t.Errorf("the server %d survived its test process", pid)
	syscall.Kill(pid, syscall.SIGQUIT)
}

// zombie: ended but not collected, in a container whose init does not collect.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func TestSweepLeavesTheLivingAlone(t *testing.T) {
	base := t.TempDir()
	make := func(name string) string {
		path := filepath.Join(base, dirPrefix+name)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	living := &directory{path: make("living")}
	if err := living.claim(); err != nil {
		t.Fatal(err)
	}
	defer living.owner.Close()
	young, old := make("young"), make("old")
	dead := &directory{path: make("dead")}
	if err := dead.claim(); err != nil {
		t.Fatal(err)
	}
	dead.owner.Close() // as the kernel does for a killed process
	if err := os.Chtimes(old, time.Time{}, time.Now().Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	sweep(base)
	for path, stays := range map[string]bool{living.path: true, young: true, old: false, dead.path: false} {
		if _, err := os.Stat(path); (err == nil) != stays {
			t.Errorf("%s: %v, should stay: %v", filepath.Base(path), err, stays)
		}
	}
}
