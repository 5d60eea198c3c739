package operation

import (
	"context"
	"errors"
	"slices"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/pki/cert"
	"github.com/claviger/claviger/internal/pki/crl"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/store"
)

// A certificate slot takes one record of the kind certificate, schema 1: the DER bytes. Its revocation list is a
// record of the kind list under the same name, schema 1: the DER bytes.
const (
	certSchema uint16 = 1
	crlSchema  uint16 = 1
)

// CertSlotInfo describes a certificate slot.
type CertSlotInfo struct {
	State       claviger.SlotState
	Certificate *cert.Certificate // nil unless occupied
	List        *crl.CRL          // nil if there is none that can be read
}

// ParseCertificate reads one certificate, or with several all of a bundle. It takes no trust decision. Errors:
// ErrCertificateParsingFailed.
func (e *Engine) ParseCertificate(g policy.Grant, data []byte, format claviger.Format, several bool) ([]*cert.Certificate, error) {
	if err := g.DemandOpen("parse certificate"); err != nil {
		return nil, err
	}
	if several {
		return cert.ParseAll(data, format)
	}
	c, err := cert.Parse(data, format)
	if err != nil {
		return nil, err
	}
	return []*cert.Certificate{c}, nil
}

// SaveCertificate writes a certificate into a slot, in the place of what was there. A revocation list that was kept
// with another certificate is dropped; saving the same certificate again keeps it. Durable when it returns.
func (e *Engine) SaveCertificate(ctx context.Context, g policy.Grant, slot string, c *cert.Certificate) error {
	if err := g.DemandWrite("save certificate", policy.WriteSave); err != nil {
		return err
	}
	return e.store.Update(ctx, func(tx *store.Tx) error {
		key := store.Key{Kind: store.KindCert, Name: slot}
		old, err := tx.Get(key)
		if err != nil && !errors.Is(err, claviger.ErrResourceNotFound) && !errors.Is(err, store.ErrDamaged) {
			return err
		}
		if err == nil && slices.Equal(old.Value, c.DER()) {
			return nil
		}
		if err := tx.Delete(store.Key{Kind: store.KindCRL, Name: slot}); err != nil {
			return err
		}
		return tx.Put(key, certSchema, c.DER())
	})
}

// CertSlot tells what is in a certificate slot. A record that cannot be read makes it locked.
func (e *Engine) CertSlot(g policy.Grant, slot string) (CertSlotInfo, error) {
	if err := g.DemandOpen("certificate slot"); err != nil {
		return CertSlotInfo{}, err
	}
	var info CertSlotInfo
	err := e.store.View(func(tx *store.Tx) (err error) {
		info, err = readCertSlot(tx, slot)
		return err
	})
	return info, err
}

// readCertSlot tells what is in a certificate slot within a transaction. What cannot be read is a state, not an error.
func readCertSlot(tx *store.Tx, slot string) (CertSlotInfo, error) {
	r, err := tx.Get(store.Key{Kind: store.KindCert, Name: slot})
	switch {
	case errors.Is(err, claviger.ErrResourceNotFound):
		return CertSlotInfo{State: claviger.SlotEmpty}, nil
	case errors.Is(err, store.ErrDamaged):
		return CertSlotInfo{State: claviger.SlotLocked}, nil
	case err != nil:
		return CertSlotInfo{}, err
	}
	c, err := cert.Parse(r.Value, claviger.DER)
	if err != nil || r.Schema != certSchema {
		return CertSlotInfo{State: claviger.SlotLocked}, nil
	}
	list, err := readCRL(tx, slot)
	return CertSlotInfo{State: claviger.SlotOccupied, Certificate: c, List: list}, err
}

// readCRL gives a slot's revocation list; nil if there is none, or none that can be read: verification then fails
// closed as if there were none.
func readCRL(tx *store.Tx, slot string) (*crl.CRL, error) {
	r, err := tx.Get(store.Key{Kind: store.KindCRL, Name: slot})
	if errors.Is(err, claviger.ErrResourceNotFound) || errors.Is(err, store.ErrDamaged) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list, err := crl.Parse(r.Value, claviger.DER)
	if err != nil || r.Schema != crlSchema {
		return nil, nil
	}
	return list, nil
}

// LoadCertificate gives the certificate of a slot: ErrKeySlotEmpty if there is none, ErrOperationFailed if its record
// is damaged.
func (e *Engine) LoadCertificate(g policy.Grant, slot string) (*cert.Certificate, error) {
	info, err := e.CertSlot(g, slot)
	if err != nil {
		return nil, err
	}
	return info.require(slot)
}

// require gives the certificate of a slot that must hold one.
func (i CertSlotInfo) require(slot string) (*cert.Certificate, error) {
	switch i.State {
	case claviger.SlotEmpty:
		return nil, claviger.Errorf(claviger.ErrKeySlotEmpty, "certificate", "certificate slot %q is empty", slot)
	case claviger.SlotLocked:
		return nil, claviger.Errorf(claviger.ErrOperationFailed, "certificate", "the record of certificate slot %q is damaged", slot)
	}
	return i.Certificate, nil
}

// ClearCertificate empties a certificate slot, its revocation list included. Durable when it returns. An empty slot
// is ErrKeySlotEmpty.
func (e *Engine) ClearCertificate(ctx context.Context, g policy.Grant, slot string) error {
	if err := g.DemandWrite("clear certificate", policy.WriteClear); err != nil {
		return err
	}
	return e.store.Update(ctx, func(tx *store.Tx) error {
		key := store.Key{Kind: store.KindCert, Name: slot}
		if _, err := tx.Get(key); errors.Is(err, claviger.ErrResourceNotFound) {
			return claviger.Errorf(claviger.ErrKeySlotEmpty, "clear certificate", "certificate slot %q is empty", slot)
		}
		if err := tx.Delete(store.Key{Kind: store.KindCRL, Name: slot}); err != nil {
			return err
		}
		return tx.Delete(key)
	})
}

// CheckCRL reads a revocation list for an issuer, to be used in the place of stored (nil: there is none). Errors:
// ErrCRLImportFailed says why the list is of no use.
func (e *Engine) CheckCRL(g policy.Grant, issuer *cert.Certificate, stored *crl.CRL, data []byte, format claviger.Format) (*crl.CRL, error) {
	if err := g.DemandOpen("import CRL"); err != nil {
		return nil, err
	}
	return checkedCRL(issuer, stored, data, format)
}

// checkedCRL reads a list and checks that it may take the place of stored for this issuer.
func checkedCRL(issuer *cert.Certificate, stored *crl.CRL, data []byte, format claviger.Format) (*crl.CRL, error) {
	list, err := crl.Parse(data, format)
	if err != nil {
		return nil, err
	}
	return list, crl.CheckImport(list, issuer, stored)
}

// ImportCRL keeps a revocation list with the certificate of its issuer, in the place of an older one; a list with a
// lower number is ErrCRLImportFailed. Durable when it returns.
func (e *Engine) ImportCRL(ctx context.Context, g policy.Grant, slot string, data []byte, format claviger.Format) error {
	if err := g.DemandWrite("import CRL", policy.WriteCRL); err != nil {
		return err
	}
	return e.store.Update(ctx, func(tx *store.Tx) error {
		info, err := readCertSlot(tx, slot)
		if err != nil {
			return err
		}
		issuer, err := info.require(slot)
		if err != nil {
			return err
		}
		list, err := checkedCRL(issuer, info.List, data, format)
		if err != nil {
			return err
		}
		return tx.Put(store.Key{Kind: store.KindCRL, Name: slot}, crlSchema, list.DER())
	})
}

// CertificateKey gives the public key of a certificate as an ephemeral key with one reference of the caller's, and the
// key's algorithm. Keys of algorithms that nobody offers are ErrUnsupportedAlgorithm.
func (e *Engine) CertificateKey(ctx context.Context, g policy.Grant, c *cert.Certificate) (Made, claviger.Algorithm, error) {
	const op = "certificate key"
	if err := g.DemandOpen(op); err != nil {
		return Made{}, "", err
	}
	alg, spki, err := c.PublicKey()
	if err != nil {
		return Made{}, "", err
	}
	made, err := e.publicKey(ctx, op, nil, alg, spki, publicDefault(alg))
	return made, alg, err
}

// ExportCertificate gives a certificate's bytes as DER or PEM; another format is ErrInvalidArgument.
func ExportCertificate(c *cert.Certificate, format claviger.Format) ([]byte, error) {
	switch format {
	case claviger.DER:
		return c.DER(), nil
	case claviger.PEM:
		return c.PEM(), nil
	}
	return nil, claviger.Errorf(claviger.ErrInvalidArgument, "export certificate", "a certificate has no format %s", format)
}

// Certificate is a parsed certificate; CRL is a parsed revocation list. They are named here for the rooms above.
type (
	Certificate = cert.Certificate
	CRL         = crl.CRL
)
