package providertest

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
)

// known is one known answer. Bytes are hexadecimal.
type known struct {
	source    string
	op        provider.Op
	algorithm claviger.Algorithm
	keyAlg    claviger.Algorithm
	class     claviger.KeyClass // of the key; 0 means secret
	key       string            // raw form of the key
	iv, aad   string
	in        string
	out       string // whole result; Verify: the signature
	begins    bool   // the result may be longer than out
}

func (s *suite) testKnown(t *testing.T) {
	for _, list := range [][]known{knownHashes(), moreHashes(), knownCodes(), moreCodes(), knownCiphers(), moreAEADs(), knownSignatures(), moreSignatures()} {
		for _, c := range list {
			if !s.offers(c) {
				continue // what is not claimed is not asked for
			}
			t.Run(string(c.algorithm)+"/"+c.source, func(t *testing.T) { s.testAnswer(t, c) })
		}
	}
	t.Run("HKDF-SHA-256", s.testKnownHKDF)
	t.Run("X25519", func(t *testing.T) { s.testKnownAgreement(t, knownX25519()) })
	t.Run("X448", func(t *testing.T) { s.testKnownAgreement(t, knownX448()) })
	t.Run("ECDH-P256", func(t *testing.T) { s.testKnownAgreement(t, knownP256()) })
}

// offers reports whether the provider claims what an answer is for, and takes its key.
func (s *suite) offers(c known) bool {
	_, does := provider.Find(s.rows, c.op, c.algorithm, c.keyAlg)
	_, imports := provider.Find(s.rows, provider.Import, c.keyAlg, "")
	short := strings.HasPrefix(string(c.keyAlg), "HMAC-") && len(c.key) < len(c.out)
	return does && (imports || c.keyAlg == "") && !(short && s.options.NoShortCodeKeys)
}

func (s *suite) testAnswer(t *testing.T, c known) {
	o := provider.Operator(s.provider)
	if c.keyAlg != "" {
		o = s.rawKey(t, c.keyAlg, c.class, c.key)
	}
	params := &provider.Params{Algorithm: c.algorithm, IV: unhex(t, c.iv), AAD: unhex(t, c.aad)}
	want := unhex(t, c.out)
	if c.op == provider.Verify {
		verify(t, o.(provider.Key), params, unhex(t, c.in), want)
		return
	}
	got := appended(t, o, c.op, params, unhex(t, c.in))
	if !bytes.Equal(got, want) && !(c.begins && bytes.HasPrefix(got, want)) {
		t.Errorf("got %x, want %x", got, want)
	}
}

// rawKey imports a key given in its raw form.
func (s *suite) rawKey(t *testing.T, alg claviger.Algorithm, class claviger.KeyClass, raw string) provider.Key {
	t.Helper()
	if class == 0 {
		class = claviger.SecretKey
	}
	material, _, err := algorithm.DecodeAs(claviger.Raw, alg, class, unhex(t, raw))
	if err != nil {
		t.Fatal(err)
	}
	return s.imported(t, provider.Spec{Algorithm: alg, Class: class}, material)
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) == 0 {
		return nil
	}
	return b
}

func knownHashes() []known {
	const abc = "616263"
	return []known{
		{source: "FIPS 180-4 example abc", op: provider.Hash, algorithm: "SHA-256", in: abc,
			out: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{source: "FIPS 180-4 example abc", op: provider.Hash, algorithm: "SHA-384", in: abc,
			out: "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
		{source: "FIPS 180-4 example abc", op: provider.Hash, algorithm: "SHA-512", in: abc,
			out: "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
		{source: "FIPS 180-4 example abc", op: provider.Hash, algorithm: "SHA-512/256", in: abc,
			out: "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"},
		{source: "FIPS 202 example abc", op: provider.Hash, algorithm: "SHA3-256", in: abc,
			out: "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"},
		{source: "FIPS 202 example abc", op: provider.Hash, algorithm: "SHA3-384", in: abc,
			out: "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25"},
		{source: "FIPS 202 example abc", op: provider.Hash, algorithm: "SHA3-512", in: abc,
			out: "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0"},
		{source: "FIPS 202 example of the empty message", op: provider.Hash, algorithm: "SHAKE-128",
			out: "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26"},
		{source: "FIPS 202 example of the empty message", op: provider.Hash, algorithm: "SHAKE-256",
			out: "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762fd75dc4ddd8c0f200cb05019d67b592f6fc821c49479ab48640292eacb3b7c4be"},
	}
}

func knownCodes() []known {
	key := strings.Repeat("0b", 20)
	const hiThere = "4869205468657265"
	return []known{
		{source: "RFC 4231 section 4.2", op: provider.MAC, algorithm: "HMAC-SHA-256", keyAlg: "HMAC-SHA-256", key: key, in: hiThere,
			out: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{source: "RFC 4231 section 4.2", op: provider.MAC, algorithm: "HMAC-SHA-384", keyAlg: "HMAC-SHA-384", key: key, in: hiThere,
			out: "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6"},
		{source: "RFC 4231 section 4.2", op: provider.MAC, algorithm: "HMAC-SHA-512", keyAlg: "HMAC-SHA-512", key: key, in: hiThere,
			out: "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
		{source: "RFC 4231 section 4.2 as a signature", op: provider.Verify, algorithm: "HMAC-SHA-256", keyAlg: "HMAC-SHA-256", key: key, in: hiThere,
			out: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{source: "RFC 4231 section 4.7, a key longer than a block", op: provider.MAC, algorithm: "HMAC-SHA-256", keyAlg: "HMAC-SHA-256",
			key: strings.Repeat("aa", 131), in: hex.EncodeToString([]byte("Test Using Larger Than Block-Size Key - Hash Key First")),
			out: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	}
}

func knownCiphers() []known {
	const (
		key128  = "2b7e151628aed2a6abf7158809cf4f3c"
		key192  = "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b"
		key256  = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"
		block   = "6bc1bee22e409f96e93d7e117393172a"
		iv      = "000102030405060708090a0b0c0d0e0f"
		counter = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
		gcmKey  = "feffe9928665731c6d6a8f9467308308"
		gcmIn   = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
		gcmAAD  = "feedfacedeadbeeffeedfacedeadbeefabaddad2"
		gcmIV   = "cafebabefacedbaddecaf888"
	)
	return []known{
		{source: "SP 800-38A F.2.1", op: provider.Encrypt, algorithm: "AES-128-CBC", keyAlg: "AES-128", key: key128, iv: iv, in: block, begins: true,
			out: "7649abac8119b246cee98e9b12e9197d"},
		{source: "SP 800-38A F.2.3", op: provider.Encrypt, algorithm: "AES-192-CBC", keyAlg: "AES-192", key: key192, iv: iv, in: block, begins: true,
			out: "4f021db243bc633d7178183a9fa071e8"},
		{source: "SP 800-38A F.2.5", op: provider.Encrypt, algorithm: "AES-256-CBC", keyAlg: "AES-256", key: key256, iv: iv, in: block, begins: true,
			out: "f58c4c04d6e5f1ba779eabfb5f7bfbd6"},
		{source: "SP 800-38A F.5.1", op: provider.Encrypt, algorithm: "AES-128-CTR", keyAlg: "AES-128", key: key128, iv: counter, in: block,
			out: "874d6191b620e3261bef6864990db6ce"},
		{source: "SP 800-38A F.5.3", op: provider.Encrypt, algorithm: "AES-192-CTR", keyAlg: "AES-192", key: key192, iv: counter, in: block,
			out: "1abc932417521ca24f2b0459fe7e6e0b"},
		{source: "SP 800-38A F.5.5", op: provider.Encrypt, algorithm: "AES-256-CTR", keyAlg: "AES-256", key: key256, iv: counter, in: block,
			out: "601ec313775789a5b7a7f504bbf3d228"},
		{source: "The Galois Counter Mode of Operation, test case 4", op: provider.Encrypt, algorithm: "AES-128-GCM", keyAlg: "AES-128",
			key: gcmKey, iv: gcmIV, aad: gcmAAD, in: gcmIn, out: "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e" +
				"21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091" + "5bc94fbc3221a5db94fae95ae7121a47"},
		{source: "The Galois Counter Mode of Operation, test case 16", op: provider.Encrypt, algorithm: "AES-256-GCM", keyAlg: "AES-256",
			key: gcmKey + gcmKey, iv: gcmIV, aad: gcmAAD, in: gcmIn, out: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa" +
				"8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662" + "76fc6ece0f4e1768cddf8853bb2d551b"},
		{source: "RFC 8439 section 2.8.2", op: provider.Encrypt, algorithm: "ChaCha20-Poly1305", keyAlg: "ChaCha20",
			key: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", iv: "070000004041424344454647", aad: "50515253c0c1c2c3c4c5c6c7",
			in: hex.EncodeToString([]byte("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.")),
			out: "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b" +
				"1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc" +
				"3ff4def08e4b7a9de576d26586cec64b6116" + "1ae10b594f09e26a7e902ecbd0600691"},
	}
}

func knownSignatures() []known {
	sample := hex.EncodeToString([]byte("sample"))
	return []known{
		{source: "RFC 8032 section 7.1 test 1", op: provider.Sign, algorithm: "Ed25519", keyAlg: "Ed25519", class: claviger.PrivateKey,
			key: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
			out: "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
		{source: "RFC 8032 section 7.1 test 1 by the public half", op: provider.Verify, algorithm: "Ed25519", keyAlg: "Ed25519", class: claviger.PublicKey,
			key: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
			out: "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
		{source: "RFC 8032 section 7.3", op: provider.Sign, algorithm: "Ed25519ph", keyAlg: "Ed25519", class: claviger.PrivateKey, in: "616263",
			key: "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
			out: "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"},
		{source: "RFC 6979 A.2.5", op: provider.Verify, algorithm: "ECDSA-P256-SHA-256", keyAlg: "ECDSA-P256", class: claviger.PrivateKey, in: sample,
			key: "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
			out: "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716" + "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"},
		{source: "RFC 6979 A.2.6", op: provider.Verify, algorithm: "ECDSA-P384-SHA-384", keyAlg: "ECDSA-P384", class: claviger.PrivateKey, in: sample,
			key: "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5",
			out: "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46" +
				"99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8"},
	}
}

// testKnownHKDF is RFC 5869 appendix A.1.
func (s *suite) testKnownHKDF(t *testing.T) {
	if _, ok := provider.Find(s.rows, provider.Derive, kdf, algorithm.Generic); !ok || s.options.NoExport {
		return // not offered, or the result cannot be seen
	}
	k := s.rawKey(t, algorithm.Generic, 0, strings.Repeat("0b", 22))
	made, _ := keyOp(t, k, provider.Derive, &provider.Params{Algorithm: kdf, Result: provider.Spec{Algorithm: algorithm.Generic},
		KDF: &provider.KDF{Salt: unhex(t, "000102030405060708090a0b0c"), Info: unhex(t, "f0f1f2f3f4f5f6f7f8f9"), Size: 42}})
	s.wantKey(t, made, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
}

// agreement is a known Diffie-Hellman exchange.
type agreement struct {
	algorithm           claviger.Algorithm
	private, peer, both string
}

// knownX25519 is RFC 7748 section 6.1.
func knownX25519() agreement {
	return agreement{"X25519", "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
		"de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f", "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"}
}

// knownP256 is count 0 for P-256 of the NIST CAVP file KAS_ECC_CDH_PrimitiveTest.
func knownP256() agreement {
	return agreement{"ECDH-P256", "7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534",
		"04" + "700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287" + "db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac",
		"46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b"}
}

func (s *suite) testKnownAgreement(t *testing.T, c agreement) {
	if _, ok := provider.Find(s.rows, provider.Agree, c.algorithm, c.algorithm); !ok || s.options.NoExport {
		return // not offered, or the result cannot be seen
	}
	k := s.rawKey(t, c.algorithm, claviger.PrivateKey, c.private)
	peer, _, err := algorithm.DecodeAs(claviger.Raw, c.algorithm, claviger.PublicKey, unhex(t, c.peer))
	if err != nil {
		t.Fatal(err)
	}
	made, _ := keyOp(t, k, provider.Agree, &provider.Params{Algorithm: c.algorithm, Peer: peer})
	s.wantKey(t, made, c.both)
	if !strings.HasPrefix(string(c.algorithm), "X") {
		return
	}
	zero, _, err := algorithm.DecodeAs(claviger.Raw, c.algorithm, claviger.PublicKey, make([]byte, len(c.peer)/2))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = k.KeyOp(t.Context(), provider.Agree, &provider.Params{Algorithm: c.algorithm, Peer: zero})
	wantCode(t, "a peer that makes the secret zero", err, claviger.ErrKeyAgreementFailed)
}

// wantKey compares an exported key; the bytes are public test data.
func (s *suite) wantKey(t *testing.T, k provider.Key, want string) {
	t.Helper()
	got, err := k.Export(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	if !got.Equal(unhex(t, want)) {
		t.Error("the key is not the known one")
	}
}
