package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
)

// TestRequiredStartsNothingLess holds that each thing that cannot be had is an error that names it.
func TestRequiredStartsNothingLess(t *testing.T) {
	user := &unprivileged
	for _, c := range []struct {
		kernel Kernel
		user   *User
		want   string
	}{
		{Kernel{Seccomp: true, Users: true}, user, "landlock"},
		{Kernel{Landlock: 7, Users: true}, user, "seccomp"},
		{Kernel{Landlock: 7, Seccomp: true}, user, "uid 64123"},
		{Kernel{}, user, "landlock, seccomp, uid 64123"},
		{Kernel{}, nil, "landlock, seccomp"},
		{Kernel{Landlock: 2}, nil, "seccomp, rules on truncation"},
		{Kernel{Landlock: 3}, nil, "seccomp"},
	} {
		_, err := Start(context.Background(), Config{kernel: &c.kernel, User: c.user, Args: []string{"worker"}})
		if !errors.Is(err, claviger.ErrUnsupportedOperation) || !strings.HasSuffix(err.Error(), "here: "+c.want+" (UnsupportedOperation)") {
			t.Errorf("%v: %v", c.kernel, err)
		}
	}
}

// TestPreferredGoesOnWithoutWhatIsMissing holds that the report says what is missing, and that the rest is in force.
func TestPreferredGoesOnWithoutWhatIsMissing(t *testing.T) {
	needs(t, false)
	offered := Supported()
	uid := Report{UID: unix.Getuid()}.String()
	uid, _, _ = strings.Cut(uid, ",")
	dir := place(t)
	other := filepath.Join(dir, "other", "file")
	for _, c := range []struct {
		kernel             Kernel
		user               *User
		mode               Mode
		want, read, socket string
	}{
		{Kernel{}, nil, Preferred, uid + ", network; missing: landlock, seccomp", "ok", "ok"},
		{Kernel{Seccomp: offered.Seccomp}, nil, Preferred, uid + ", seccomp, no network; missing: landlock", "ok", "EPERM"},
		{Kernel{Landlock: offered.Landlock}, &unprivileged, Preferred, uid + fmt.Sprintf(", landlock %d, network; missing: seccomp, uid 64123", offered.Landlock), "EACCES", "ok"},
		{Kernel{Landlock: 1}, nil, Preferred, uid + ", landlock 1, network; missing: seccomp, rules on truncation", "EACCES", "ok"},
		{Kernel{Landlock: 1, Seccomp: true}, nil, Preferred, uid + ", landlock 1, seccomp, no network", "EACCES", "EPERM"},
		{Kernel{Landlock: 7, Seccomp: true}, &unprivileged, Off, uid + ", network, sandbox off; missing: uid 64123", "ok", "ok"},
	} {
		p := start(t, Config{kernel: &c.kernel, User: c.user, Mode: c.mode})
		if p.Report.String() != c.want {
			t.Errorf("%q, want %q", p.Report, c.want)
		}
		expect(t, p, c.want, "report")
		expect(t, p, c.read, "read", other)
		expect(t, p, c.socket, "socket", "", "1")
	}
}

// TestEveryLandlockABIServes holds that rules for each older ABI are accepted, and confine.
func TestEveryLandlockABIServes(t *testing.T) {
	needs(t, false)
	dir := place(t)
	for abi := 1; abi <= Supported().Landlock; abi++ {
		p := start(t, Config{
			kernel: &Kernel{Landlock: abi, Seccomp: true},
			Read:   []string{filepath.Join(dir, "read")},
			Write:  []string{filepath.Join(dir, "write"), filepath.Join(dir, "other", "file"), "/dev/zero"},
		})
		if p.Report.Landlock != abi {
			t.Errorf("landlock %d: %v", abi, p.Report)
		}
		expect(t, p, "ok", "read", filepath.Join(dir, "read", "file"))
		expect(t, p, "EACCES", "write", filepath.Join(dir, "read", "file"))
		expect(t, p, "ok", "write", filepath.Join(dir, "write", "file"))
		expect(t, p, "ok", "write", filepath.Join(dir, "other", "file"))
		expect(t, p, "EACCES", "list", filepath.Join(dir, "other"))
		expect(t, p, "ok", "write", "/dev/zero")
	}
}

// TestConfigurationsThatCannotBeMeantAreRefused holds that the error names the path.
func TestConfigurationsThatCannotBeMeantAreRefused(t *testing.T) {
	needs(t, false)
	dir := place(t)
	at := func(parts ...string) string { return filepath.Join(append([]string{dir}, parts...)...) }
	for want, c := range map[string]Config{
		`"relative"`:                     {Path: "relative"},
		`"./read"`:                       {Read: []string{"./read"}},
		`"write"`:                        {Write: []string{"write"}},
		`"hidden"`:                       {Hidden: []string{"hidden"}},
		"unknown mode 9":                 {Mode: 9},
		"read path " + at("none"):        {Read: []string{at("none")}},
		"write path " + at("none"):       {Write: []string{at("none")}},
		"write path " + at("write"):      {Write: []string{at("write")}, Hidden: []string{at("write", "file")}},
		"write path " + at("read/sub"):   {Write: []string{at("read/sub")}, Hidden: []string{at("read")}},
		"path " + at("read/sub", "file"): {Read: []string{at("read/sub", "file")}, Hidden: []string{at("read")}},
	} {
		c.Args = []string{"worker"}
		_, err := Start(context.Background(), c)
		if !errors.Is(err, claviger.ErrInvalidArgument) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestHiddenPathsAreResolvedAsFarAsTheyExist holds it, because the worker may not be able to.
func TestHiddenPathsAreResolvedAsFarAsTheyExist(t *testing.T) {
	dir := place(t)
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("read", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"link":          "read",
		"link/file":     "read/file",
		"link/new/more": "read/new/more",
		"new/../other":  "other",
	} {
		c, err := Config{Hidden: []string{dir + "/" + path}}.checked()
		if err != nil || !reflect.DeepEqual(c.Hidden, []string{filepath.Join(dir, want)}) {
			t.Errorf("%s: %v, %v", path, c.Hidden, err)
		}
	}
}

// TestPathsLieBeneathDirectoriesAndNotBesideThem holds what hidden means for names that begin alike.
func TestPathsLieBeneathDirectoriesAndNotBesideThem(t *testing.T) {
	for _, c := range []struct {
		path, dir string
		want      bool
	}{
		{"/a/b", "/a", true}, {"/a", "/a", true}, {"/ab", "/a", false}, {"/a", "/a/b", false}, {"/a", "/", true}, {"/", "/", true}, {"/", "/a", false},
	} {
		if beneath(c.path, c.dir) != c.want {
			t.Errorf("%v", c)
		}
	}
}

// TestWhatIsOfferedReadsWell holds both texts of Kernel.
func TestWhatIsOfferedReadsWell(t *testing.T) {
	for want, k := range map[string]Kernel{
		"landlock 7, seccomp, other users":        {Landlock: 7, Seccomp: true, Users: true},
		"no landlock, no seccomp, no other users": {},
		"landlock 1, no seccomp, other users":     {Landlock: 1, Users: true},
	} {
		if k.String() != want {
			t.Errorf("%q, want %q", k, want)
		}
	}
	for want, m := range map[string]Mode{"required": Required, "preferred": Preferred, "off": Off, "unknown": 7} {
		if m.String() != want {
			t.Errorf("%q, want %q", m, want)
		}
	}
}

// TestDescriptorsAreLeftWithoutCloseRange holds what serves older kernels.
func TestDescriptorsAreLeftWithoutCloseRange(t *testing.T) {
	fd, err := unix.FcntlInt(0, unix.F_DUPFD, 100) // not close-on-exec
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := leaveEach("/proc/self/fd"); err != nil {
		t.Fatal(err)
	}
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("flags %x, %v", flags, err)
	}
	if flags, err := unix.FcntlInt(2, unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC != 0 {
		t.Errorf("standard error: flags %x, %v", flags, err)
	}
	if err := leaveEach("/nonexistent"); !errors.Is(err, claviger.ErrInternal) {
		t.Errorf("no list: %v", err)
	}
}
