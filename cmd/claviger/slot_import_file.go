package main

import (
	"bytes"
	"context"
	"encoding/asn1"
	"encoding/pem"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/claviger/claviger"
)

// fileKind is what a key file is.
type fileKind uint8

const (
	unknownFile   fileKind = iota // nothing in it says; a secret key's bytes may look like anything
	pemFile                       // RFC 7468
	derFile                       // PKCS #8, SubjectPublicKeyInfo, PKCS #1, SEC 1, or something else in DER that the daemon refuses
	encryptedFile                 // EncryptedPrivateKeyInfo in DER (RFC 5958 section 3)
	pkcs12File                    // PFX (RFC 7292 section 4)
	rawFile
)

// keyFile is the key that was in a file.
type keyFile struct {
	kind         fileKind
	format       claviger.Format
	data         []byte // the key; wiped by whoever opened the file
	certificates int    // how many were beside the key
	leaf         []byte // the key's own certificate in DER; nil if there is none, or the file is no PKCS #12
}

// openKeyFile takes the one key out of a file's contents, which it does not keep unless they are the key.
func (a *app) openKeyFile(ctx context.Context, r keyImport, data []byte) (*keyFile, error) {
	kind, err := kindOf(r.format, data)
	if err != nil {
		return nil, err
	}
	key := &keyFile{kind: kind, format: claviger.DER, data: data}
	switch kind {
	case pkcs12File:
		return a.openPKCS12(ctx, r, data)
	case encryptedFile:
		return nil, encryptedKey(r)
	case rawFile:
		key.format = claviger.Raw
	case pemFile:
		if key, err = openPEM(r, data); err != nil {
			return nil, err
		}
	}
	if r.password != "" {
		clear(key.data)
		return nil, usagef("--password-file is for PKCS #12 files, and this is none")
	}
	return key, nil
}

// kindOf reads the word of --format, or looks at the file where there is none.
func kindOf(word string, data []byte) (fileKind, error) {
	found := sniff(data)
	switch strings.ToLower(word) {
	case "":
		if found == unknownFile {
			return 0, usagef("nothing in the file says what it is: say --format raw if it is the bytes of a secret key")
		}
		return found, nil
	case "pem":
		return pemFile, nil
	case "der":
		if found == encryptedFile {
			return encryptedFile, nil
		}
		return derFile, nil
	case "pkcs12", "p12", "pfx":
		return pkcs12File, nil
	case "raw":
		return rawFile, nil
	}
	return 0, usagef("format %q is unknown; known are pem, der, pkcs12, raw", claviger.Clip(word))
}

// sniff tells what a file is by its beginning and its outermost structure.
func sniff(data []byte) fileKind {
	if looksLikePEM(data) {
		return pemFile
	}
	if bytes.HasPrefix(data, []byte{0x30, 0x80, 0x02, 0x01, 0x03}) { // a PFX in BER
		return pkcs12File
	}
	in := cryptobyte.String(data)
	var outer, inner cryptobyte.String
	if !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !in.Empty() {
		return unknownFile
	}
	rest := outer
	var version int
	var oid asn1.ObjectIdentifier
	if rest.ReadASN1Integer(&version) && version == 3 && rest.ReadASN1(&inner, cbasn1.SEQUENCE) && inner.ReadASN1ObjectIdentifier(&oid) {
		return pkcs12File
	}
	rest = outer
	if rest.ReadASN1(&inner, cbasn1.SEQUENCE) && inner.ReadASN1ObjectIdentifier(&oid) && rest.SkipASN1(cbasn1.OCTET_STRING) && rest.Empty() {
		return encryptedFile
	}
	return derFile
}

// looksLikePEM reports whether data has the line that begins a PEM block (RFC 7468 section 2).
func looksLikePEM(data []byte) bool { return bytes.Contains(data, []byte("-----BEGIN ")) }

// openPEM takes the one key out of PEM blocks. Text around the blocks, curve parameters and certificates are passed over.
func openPEM(r keyImport, data []byte) (*keyFile, error) {
	key := &keyFile{kind: pemFile, format: claviger.DER}
	keys, encrypted, other := 0, false, ""
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "PRIVATE KEY", "PUBLIC KEY", "RSA PRIVATE KEY", "RSA PUBLIC KEY", "EC PRIVATE KEY":
			clear(key.data) // of a key before this one
			key.data = block.Bytes
			keys++
			encrypted = encrypted || block.Headers["DEK-Info"] != ""
		case "ENCRYPTED PRIVATE KEY":
			encrypted = true
		case "CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CERTIFICATE":
			key.certificates++
		case "EC PARAMETERS": // openssl writes them before an EC key that names its curve itself
		default:
			clear(block.Bytes)
			other = block.Type
		}
	}
	if keys == 1 && !encrypted {
		return key, nil
	}
	clear(key.data)
	if encrypted {
		return nil, encryptedKey(r)
	}
	return nil, noKey(r, keys, key.certificates, other)
}

// noKey says why PEM blocks are not one key.
func noKey(r keyImport, keys, certificates int, other string) error {
	switch {
	case keys > 1:
		return verdictf(claviger.ErrInvalidFormat, "the file holds %d keys; one is taken", keys)
	case other == "OPENSSH PRIVATE KEY":
		return verdictf(claviger.ErrInvalidFormat, "the file holds an OpenSSH key; ssh-keygen -p -m PKCS8 -f %s rewrites a copy of it", fileWord(r.file))
	case other != "":
		return verdictf(claviger.ErrInvalidFormat, "the file holds a PEM block %q and no key", claviger.Clip(other))
	case certificates > 0:
		return verdictf(claviger.ErrInvalidFormat, "the file holds a certificate and no key; claviger cert import takes it")
	}
	return verdictf(claviger.ErrInvalidFormat, "the file holds no whole PEM block")
}

// encryptedKey says what opens a key that is encrypted by itself (RFC 5958 section 3, or the older form of OpenSSL).
func encryptedKey(r keyImport) error {
	return verdictf(claviger.ErrInvalidFormat, "the key is encrypted; this opens and imports it: openssl pkey -in %s | claviger slot import %s -",
		fileWord(r.file), claviger.Clip(r.slot))
}
