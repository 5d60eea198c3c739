package commands_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/claviger/claviger/test/daemontest"
)

// TestScripts runs each script of testdata against a daemon of its own. A script has one instruction a line; "@name" is a file of
// its directory:
//
//	run ARGS             runs claviger, which must succeed and say nothing on standard error
//	fail N CODE ARGS     runs claviger, which must end with status N and an error that names CODE
//	stdin NAME           the next run reads this file
//	stdout REGEXP        the last standard output matches ((?m) is set)
//	silent               the last standard output was empty
//	json PATH VALUE      the last standard output is JSON and has this value there, such as versions.0.version
//	file NAME TEXT       makes a file; \n and \x00 as in Go
//	save NAME            writes the last standard output into a file
//	same NAME NAME       two files are equal
//	mode NAME OCTAL      a file has these permissions
//	missing NAME         there is no such file
//	openssl ARGS         runs the openssl command in the directory
//
// The variable $ID stands for the last 32 hexadecimal digits that were printed.
func TestScripts(t *testing.T) {
	scripts := must(filepath.Glob("testdata/*.script"))(t)
	if len(scripts) == 0 {
		t.Fatal("there are no scripts")
	}
	for _, file := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".script"), func(t *testing.T) {
			s := &script{t: t, d: daemontest.Start(t, config), dir: t.TempDir()}
			s.pki()
			text := string(must(os.ReadFile(file))(t))
			for i, line := range strings.Split(text, "\n") {
				s.where = fmt.Sprintf("%s:%d: %s", filepath.Base(file), i+1, line)
				s.step(strings.TrimSpace(line))
			}
		})
	}
}

// script is a running script.
type script struct {
	t     *testing.T
	d     *daemontest.Daemon
	dir   string
	where string            // line in hand
	stdin []byte            // of the next run
	last  daemontest.Result // of the last run
	id    string            // last identifier printed
}

// idPattern is how identifiers of key versions look.
var idPattern = regexp.MustCompile(`\b[0-9a-f]{32}\b`)

// step does one line.
func (s *script) step(line string) {
	s.t.Helper()
	word, rest, _ := strings.Cut(line, " ")
	rest = strings.ReplaceAll(strings.TrimSpace(rest), "$ID", s.id)
	args := strings.Fields(rest)
	switch word {
	case "", "#":
	case "run":
		s.run(args)
		if s.last.Code != 0 || s.last.Stderr != "" {
			s.t.Fatalf("%s: status %d: %s%s", s.where, s.last.Code, s.last.Stderr, s.d.Log())
		}
	case "fail":
		s.fail(args)
	case "stdin":
		s.stdin = s.read(rest)
	case "stdout":
		if !must(regexp.MatchString("(?m)"+rest, s.last.Stdout))(s.t) {
			s.t.Errorf("%s: standard output is\n%s", s.where, s.last.Stdout)
		}
	case "silent":
		if s.last.Stdout != "" {
			s.t.Errorf("%s: standard output is\n%s", s.where, s.last.Stdout)
		}
	case "json":
		path, want, _ := strings.Cut(rest, " ")
		s.json(path, want)
	default:
		s.file(word, args, rest)
	}
}

// file does a line about files.
func (s *script) file(word string, args []string, rest string) {
	s.t.Helper()
	switch word {
	case "file":
		name, text, _ := strings.Cut(rest, " ")
		s.write(name, []byte(must(strconv.Unquote(`"`+text+`"`))(s.t)))
	case "save":
		s.write(rest, []byte(s.last.Stdout))
	case "same":
		if string(s.read(args[0])) != string(s.read(args[1])) {
			s.t.Errorf("%s: they differ", s.where)
		}
	case "mode":
		info := must(os.Stat(filepath.Join(s.dir, args[0])))(s.t)
		if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
			s.t.Errorf("%s: the mode is %s", s.where, got)
		}
	case "missing":
		if list := must(filepath.Glob(filepath.Join(s.dir, "*"+rest+"*")))(s.t); len(list) != 0 {
			s.t.Errorf("%s: there is %v", s.where, list)
		}
	case "openssl":
		s.openssl(args)
	default:
		s.t.Fatalf("%s: unknown instruction", s.where)
	}
}

// run runs claviger.
func (s *script) run(args []string) {
	s.t.Helper()
	for i, a := range args {
		args[i] = strings.Replace(a, "@", s.dir+"/", 1)
	}
	s.last = s.d.Run(s.t, s.stdin, args...)
	s.stdin = nil
	if ids := idPattern.FindAllString(s.last.Stdout, -1); ids != nil {
		s.id = ids[len(ids)-1]
	}
}

// fail runs claviger and checks the shape of its error: "claviger: command: why (Code)", for a status of 2 a hint in a second
// line.
func (s *script) fail(args []string) {
	s.t.Helper()
	status, code := args[0], args[1]
	s.run(args[2:])
	if strconv.Itoa(s.last.Code) != status {
		s.t.Errorf("%s: status %d: %s", s.where, s.last.Code, s.last.Stderr)
	}
	first, more, _ := strings.Cut(s.last.Stderr, "\n")
	if !must(regexp.MatchString(`^claviger: [a-z ]+: .+ \(`+code+`\)$`, first))(s.t) {
		s.t.Errorf("%s: the error is %q", s.where, s.last.Stderr)
	}
	if hint := regexp.MustCompile(`^claviger [a-z -]*--help says more\n$`).MatchString(more); hint != (status == "2") {
		s.t.Errorf("%s: behind the error stands %q", s.where, more)
	}
}

// json checks a value of the last standard output. A path of "" or a number alone goes into the document itself.
func (s *script) json(path, want string) {
	s.t.Helper()
	var value, wanted any
	if err := json.Unmarshal([]byte(s.last.Stdout), &value); err != nil {
		s.t.Errorf("%s: %v in %s", s.where, err, s.last.Stdout)
		return
	}
	check(s.t, json.Unmarshal([]byte(want), &wanted))
	for _, step := range strings.Split(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			if i := must(strconv.Atoi(step))(s.t); i < len(v) {
				value = v[i]
				continue
			}
			value = nil
		}
	}
	if !reflect.DeepEqual(value, wanted) {
		s.t.Errorf("%s: it is %v in %s", s.where, value, s.last.Stdout)
	}
}

func (s *script) read(name string) []byte {
	s.t.Helper()
	return must(os.ReadFile(filepath.Join(s.dir, name)))(s.t)
}

func (s *script) write(name string, data []byte) {
	s.t.Helper()
	check(s.t, os.WriteFile(filepath.Join(s.dir, name), data, 0o600))
}
