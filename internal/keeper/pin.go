package keeper

import "github.com/claviger/claviger/internal/secmem"

// MaxPIN is the longest PIN in bytes, without the line end behind it; the shortest has one byte.
const MaxPIN = 255

// PIN is where the PIN of a device is. It is no keeper: it lies beside them because the rules for its file are theirs. Safe for
// concurrent use.
type PIN struct{ place place }

// PINFile is the PIN in the file at path: one line of 1 to MaxPIN bytes, with or without a line end behind it. The rules for
// the file are those of the function File. Nothing is read yet.
func PINFile(path string) *PIN { return &PIN{place{label: "PIN file " + path, path: path}} }

// PINCredential is PINFile for the systemd credential of that name; rules and errors are those of Credential.
func PINCredential(name string) (*PIN, error) {
	path, err := credentialPath(name)
	if err != nil {
		return nil, err
	}
	return &PIN{place{label: "PIN in systemd credential " + name, path: path, credential: true}}, nil
}

// Read reads the PIN anew; the caller closes it. Errors are ErrInvalidArgument for a file that is refused and ErrResourceNotFound
// for one that is missing.
func (p *PIN) Read() (*secmem.Bytes, error) { return p.place.line("a PIN", 1, MaxPIN) }

// Name says where the PIN is, for people: "PIN file /etc/claviger/token.pin".
func (p *PIN) Name() string { return p.place.label }
