package algorithm

import (
	"crypto"
	"crypto/ecdh"

	"github.com/cloudflare/circl/dh/x448"
	"gitlab.com/yawning/secp256k1-voi/secec"

	"github.com/claviger/claviger"
)

// agreement gives a shared secret, which the caller wipes. Keys of another kind are
// errKey; any other fault is that no secret comes of these two.
type agreement func(private crypto.PrivateKey, public crypto.PublicKey) ([]byte, error)

// Agree gives the shared secret of a Diffie-Hellman exchange, Size bytes: the x coordinate
// (SP 800-56A section 5.7.1.2) or the result of X25519 or X448. An all-zero result of the
// last two is refused (RFC 7748 section 6). The caller wipes the secret.
func (r *Row) Agree(key crypto.PrivateKey, peer crypto.PublicKey) ([]byte, error) {
	secret, err := r.impl.agree(key, peer)
	switch err {
	case nil:
		return secret, nil
	case errKey:
		return nil, claviger.Errorf(claviger.ErrIncompatibleKeyType, "agree", "%s takes two keys of its own algorithm", r.Name)
	}
	return nil, claviger.Errorf(claviger.ErrKeyAgreementFailed, "agree", "%s gives no secret with this peer key", r.Name)
}

// agreeStandard is Diffie-Hellman by crypto/ecdh.
func agreeStandard(private crypto.PrivateKey, public crypto.PublicKey) ([]byte, error) {
	k, ok := private.(*ecdh.PrivateKey)
	peer, is := public.(*ecdh.PublicKey)
	if !ok || !is {
		return nil, errKey
	}
	return k.ECDH(peer)
}

// agreeX448 is X448 (RFC 7748 section 5).
func agreeX448(private crypto.PrivateKey, public crypto.PublicKey) ([]byte, error) {
	k, ok := private.(*x448Private)
	peer, is := public.(*x448.Key)
	if !ok || !is {
		return nil, errKey
	}
	var shared x448.Key
	if !x448.Shared(&shared, &k.secret, peer) {
		return nil, errShared
	}
	return shared[:], nil
}

// agreeK256 is Diffie-Hellman on secp256k1 (SEC 1 section 3.3.1).
func agreeK256(private crypto.PrivateKey, public crypto.PublicKey) ([]byte, error) {
	k, ok := private.(*secec.PrivateKey)
	peer, is := public.(*secec.PublicKey)
	if !ok || !is {
		return nil, errKey
	}
	return k.ECDH(peer)
}
