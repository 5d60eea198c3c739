package symmetric

import (
	"bytes"
	"context"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
)

// answer is a known answer in hexadecimal: key, nonce and customization as far as they are given, what is absorbed, for
// encryption the message, and what comes out.
type answer struct{ name, key, nonce, custom, in, message, want string }

const (
	abc    = "616263"
	aes128 = "2b7e151628aed2a6abf7158809cf4f3c"
	aes192 = "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b"
	aes256 = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"
	// The message of SP 800-38A and 38B.
	standard = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
	count0   = "000102030405060708090a0b0c0d0e0f"
	count1   = "101112131415161718191a1b1c1d1e1f"
	count2   = "202122232425262728292a2b2c2d2e2f"
	count4   = "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"
)

// hashAnswers: FIPS 180-4 and 202 by the examples of NIST's CSRC, RFC 7693 appendix A, SP 800-185 samples, RFC 9861 section 5,
// the BLAKE3 repository's test_vectors.json, and the known answers of Ascon's designers.
func hashAnswers() []answer {
	return []answer{
		{name: "SHA-224", in: abc, want: "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
		{name: "SHA-256", in: abc, want: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{name: "SHA-384", in: abc, want: "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
		{name: "SHA-512", in: abc, want: "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
		{name: "SHA-512/256", in: abc, want: "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"},
		{name: "SHA-512/224", in: abc, want: "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa"},
		{name: "SHA3-224", in: abc, want: "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf"},
		{name: "SHA3-256", in: abc, want: "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"},
		{name: "SHA3-384", in: abc, want: "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25"},
		{name: "SHA3-512", in: abc, want: "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0"},
		{name: "BLAKE2B-512", in: abc, want: "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"},
		{name: "BLAKE2B-256", in: abc, want: "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"},
		{name: "ASCON-HASH", in: "00010203040506", want: "3e4d273ba69b3b9c53216107e88b75cdbeedbcbf8faf0219c3928ab62b116577"},
		{name: "ASCON-XOF", in: "00", want: "51430e0438ecdf642b393630d977625f5f337656ba58ab1e960784ac32a16e0d446405551f5469384f8ea283cf12e64fa72c426bfebaea3aa1529e2c4ab23a2f"},
		{name: "SHAKE-128", want: "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26"},
		{name: "SHAKE-256", want: "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762fd75dc4ddd8c0f200cb05019d67b592f6fc821c49479ab48640292eacb3b7c4be"},
		{name: "CSHAKE-128", in: "00010203", custom: "456d61696c205369676e6174757265", want: "c1c36925b6409a04f1b504fcbca9d82b4017277cb5ed2b2065fc1d3814d5aaf5"},
		{name: "CSHAKE-256", in: "00010203", custom: "456d61696c205369676e6174757265",
			want: "d008828e2b80ac9d2218ffee1d070c48b8e4c87bff32c9699d5b6896eee0edd164020e2be0560858d9c00c037e34a96937c561a74c412bb4c746469527281c8c"},
		{name: "TURBOSHAKE-128", want: "1e415f1c5983aff2169217277d17bb538cd945a397ddec541f1ce41af2c1b74c"},
		{name: "TURBOSHAKE-256", want: "367a329dafea871c7802ec67f905ae13c57695dc2c6663c61035f59a18f8e7db11edc0e12e91ea60eb6b32df06dd7f002fbafabb6e13ec1cc20d995547600db0"},
		{name: "KT128", custom: "00", want: "fab658db63e94a246188bf7af69a133045f46ee984c56e3c3328caaf1aa1a583"},
		{name: "KT256", want: "b23d2e9cea9f4904e02bec06817fc10ce38ce8e93ef4c89e6537076af8646404e3e8b68107b8833a5d30490aa33482353fd4adc7148ecb782855003aaebde4a9"},
		{name: "BLAKE3", want: "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"},
		{name: "BLAKE3", key: hex.EncodeToString([]byte("whats the Elvish word for friend")), want: "92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26"},
		{name: "XOODYAK-128", in: "000102030405060708090a0b0c0d0e", want: "db4c9cfe9d385d8ca329e27aeb495a0816c1ab051a57c231a134082661d71bed"},
	}
}

// macAnswers: RFC 4231 test cases 1 and 2, SP 800-38B appendix D, SP 800-185 samples.
func macAnswers() []answer {
	tagged := hex.EncodeToString([]byte("My Tagged Application"))
	jefe, what := hex.EncodeToString([]byte("Jefe")), hex.EncodeToString([]byte("what do ya want for nothing?"))
	return []answer{
		{name: "HMAC/SHA-256", key: strings.Repeat("0b", 20), in: hex.EncodeToString([]byte("Hi There")), want: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{name: "HMAC/SHA-256", key: jefe, in: what, want: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{name: "HMAC/SHA-384", key: jefe, in: what, want: "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"},
		{name: "HMAC/SHA-512", key: jefe, in: what,
			want: "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
		{name: "AES-128-CMAC", key: aes128, in: standard[:80], want: "dfa66747de9ae63030ca32611497c827"},
		{name: "AES-192-CMAC", key: aes192, in: standard[:80], want: "8a1de5be2eb31aad089a82e6ee908b0e"},
		{name: "AES-256-CMAC", key: aes256, in: standard[:80], want: "aaf3d8f1de5640c232f5b169b9c911e6"},
		{name: "KMAC-128", key: count4, in: "00010203", want: "e5780b0d3ea6f7d3a429c5706aa43a00fadbd7d49628839e3187243f456ee14e"},
		{name: "KMAC-128", key: count4, in: "00010203", custom: tagged, want: "3b1fba963cd8b0b59e8c1a6d71888b7143651af8ba0a7070c0979e2811324aa5"},
		{name: "KMAC-256", key: count4, in: "00010203", custom: tagged,
			want: "20c570c31346f703c9ac36c61c03cb64c3970d0cfc787e9b79599d273a68d2f7f69d4cc3de9d104a351689f27cf6f5951f0103f33f4f24871024d9c27773a8dd"},
	}
}

// hkdfAnswers: RFC 5869 appendix A.1.
func hkdfAnswers() []answer {
	return []answer{
		{name: "HKDF-EXTRACT/SHA-256", key: strings.Repeat("0b", 22), in: "000102030405060708090a0b0c", want: "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"},
		{name: "HKDF-EXPAND/SHA-256", key: "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5", in: "f0f1f2f3f4f5f6f7f8f9",
			want: "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
	}
}

// cipherAnswers: SP 800-38A sections F.2 and F.5, with the block of padding that CBC adds left out; SP 800-38D's
// submission, test cases 4, 10 and 16; RFC 8439 section 2.8.2; draft-irtf-cfrg-xchacha appendix A.3.1; RFC 8452 appendix
// C; RFC 5297 appendix A.1, the synthetic IV behind the ciphertext; draft-irtf-cfrg-aegis-aead appendix A; the known
// answers of Ascon's designers; those of Xoodyak's, without a nonce and the nonce absorbed.
func cipherAnswers() []answer {
	four, five := strings.Repeat("04050607", 30), strings.Repeat("05060708", 30)
	sunscreen := hex.EncodeToString([]byte("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."))
	counter := "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
	return []answer{
		{name: "AES-128-CBC", key: aes128, nonce: count0, message: standard[:64], want: "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"},
		{name: "AES-192-CBC", key: aes192, nonce: count0, message: standard[:64], want: "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"},
		{name: "AES-256-CBC", key: aes256, nonce: count0, message: standard[:64], want: "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"},
		{name: "AES-128-CTR", key: aes128, nonce: counter, message: standard, want: "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee"},
		{name: "AES-192-CTR", key: aes192, nonce: counter, message: standard, want: "1abc932417521ca24f2b0459fe7e6e0b090339ec0aa6faefd5ccc2c6f4ce8e941e36b26bd1ebc670d1bd1d665620abf74f78a7f6d29809585a97daec58c6b050"},
		{name: "AES-256-CTR", key: aes256, nonce: counter, message: standard, want: "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c52b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6"},
		{name: "AES-128-GCM", key: "feffe9928665731c6d6a8f9467308308", nonce: "cafebabefacedbaddecaf888", in: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
			message: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
			want:    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47"},
		{name: "AES-256-GCM", key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", nonce: "cafebabefacedbaddecaf888", in: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
			message: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
			want:    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662" + "76fc6ece0f4e1768cddf8853bb2d551b"},
		{name: "CHACHA20-POLY1305", key: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", nonce: "070000004041424344454647", in: "50515253c0c1c2c3c4c5c6c7", message: sunscreen,
			want: "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36" +
				"92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b6116" + "1ae10b594f09e26a7e902ecbd0600691"},
		{name: "XCHACHA20-POLY1305", key: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", nonce: count4[:48], in: "50515253c0c1c2c3c4c5c6c7", message: sunscreen,
			want: "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452" +
				"2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52e" + "c0875924c1c7987947deafd8780acf49"},
		{name: "AES-128-GCM-SIV", key: "01000000000000000000000000000000", nonce: "030000000000000000000000", in: "01", message: "0200000000000000", want: "1e6daba35669f4273b0a1a2560969cdf790d99759abd1508"},
		{name: "AES-256-GCM-SIV", key: "01" + strings.Repeat("00", 31), nonce: "030000000000000000000000", message: "0100000000000000", want: "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28"},
		{name: "AES-128-SIV", key: "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", in: "101112131415161718191a1b1c1d1e1f2021222324252627", message: "112233445566778899aabbccddee",
			want: "40c02b9690c4dc04daef7f6afe5c" + "85632d07c6e8f37f950acd320a2ecc93"},
		{name: "AEGIS-128X2", key: count0, nonce: count1, in: "0102030401020304", message: four, want: "5795544301997f93621b278809d6331b3bfa6f18e90db12c4aa35965b5e98c5fc6fb4e54bcb6111842c20637252eff747cb3a8f85b37de80919a589fe0f24872" +
			"bc926360696739e05520647e390989e1eb5fd42f99678a0276a498f8c454761c9d6aacb647ad56be62b29c22cd4b5761b38f43d5a5ee062f" + "1aebc200804f405cab637f2adebb6d77"},
		{name: "AEGIS-128X4", key: count0, nonce: count1, in: "0102030401020304", message: four, want: "e836118562f4479c9d35c17356a833114c21f9aa39e4dda5e5c87f4152a00fce9a7c38f832eafe8b1c12f8a7cf12a81a1ad8a9c24ba9dedfbdaa586ffea67ddc" +
			"801ea97d9ab4a872f42d0e352e2713dacd609f9442c17517c5a29daf3e2a3fac4ff6b1380c4e46df7b086af6ce6bc1ed594b8dd64aed2a7e" + "0e56ab94e2e85db80f9d54010caabfb4"},
		{name: "AEGIS-256", key: "10010000000000000000000000000000" + strings.Repeat("00", 16), nonce: "10000200000000000000000000000000" + strings.Repeat("00", 16), in: "0001020304050607",
			message: count0[:28], want: "f373079ed84b2709faee37358458" + "c60b9c2d33ceb058f96e6dd03c215652"},
		{name: "AEGIS-256X2", key: count0 + count1, nonce: count1 + count2, in: "0102030401020304", message: five, want: "73110d21a920608fd77b580f1e4428087a7365cb153b4eeca6b62e1a70f7f9a8d1f31f17da4c3acfacb2517f2f5e15758c35532e33751a964d18d29a599d2dc0" +
			"7f9378339b9d8c9fa03d30a4d7837cc8eb8b99bcbba2d11cd1a0f994af2b8f947ef18473bd519e5283736758480abc990e79d4ccab93dde9" + "94a3bd44ad3381e36335014620ee638e"},
		{name: "AEGIS-256X4", key: count0 + count1, nonce: count1 + count2, in: "0102030401020304", message: five, want: "bec109547f8316d598b3b7d947ad4c0ef5b98e217cffa0d858ad49ae34109a95abc5b5fada820c4d6ae2fca0f5e2444e52a04a1edb7bec71408de3e199500521" +
			"94506be3ba6a4de51a15a577ea0e4c14f7539a13e751a555f48d0f49fecffb220525e60d381e2efa803b09b7164ba59fdc66656affd51e06" + "ec44b512d713f745547be345bcc66b6c"},
		{name: "AEGIS-128L", key: "10010000000000000000000000000000", nonce: "10000200000000000000000000000000", message: strings.Repeat("00", 16), want: "c1c0e58bd913006feba00f4b3cc3594e" + "abe0ece80c24868a226a35d16bdae37a"},
		{name: "ASCON-AEAD", key: count0, nonce: count1, in: "30", want: "cccb674fe18a09a285d6ab11b35675c0"},
	}
}

// run puts one answer to the test; what a state cannot squeeze it encrypts, and decrypts again.
func (a answer) run(t *testing.T) {
	ctx := context.Background()
	g := lookup(t, a.name)
	var key []byte
	if a.key != "" {
		key = unhex(t, a.key)
	}
	o := claviger.StateOptions{}
	if a.nonce != "" {
		o.Nonce = unhex(t, a.nonce)
	}
	if a.custom != "" {
		o.Context = unhex(t, a.custom)
	}
	s := opened(t, g, key, o)
	if g.Kind != algorithm.KindCipher {
		absorb(t, s, string(unhex(t, a.in)))
	}
	want := unhex(t, a.want)
	if g.Kind == algorithm.KindAEAD || g.Kind == algorithm.KindCipher {
		a.crypt(t, g, key, o, want)
		return
	}
	got := make([]byte, len(want))
	var err error
	switch g.Kind {
	case algorithm.KindMAC:
		got, err = s.SqueezeTag(ctx)
	case algorithm.KindExtract:
		got, err = s.SqueezeKey(ctx, g.Next)
	default:
		err = s.Squeeze(ctx, got)
	}
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: got %x, %v; want %x", a.name, got, err, want)
	}
}

// crypt does both directions, with the tag attached and apart.
func (a answer) crypt(t *testing.T, g *algorithm.Guest, key []byte, o claviger.StateOptions, want []byte) {
	ctx := context.Background()
	message := unhex(t, a.message)
	fresh := func() claviger.SymmetricState {
		s := opened(t, g, key, o)
		if g.Kind == algorithm.KindAEAD {
			absorb(t, s, string(unhex(t, a.in)))
		}
		return s
	}
	sealed, err := fresh().Encrypt(ctx, []byte("x"), message)
	if err != nil || sealed[0] != 'x' || !bytes.Equal(sealed[1:1+len(want)], want) {
		t.Fatalf("%s: got %x, %v; want %x", a.name, sealed, err, want)
	}
	back, err := fresh().Decrypt(ctx, []byte("y"), sealed[1:])
	if err != nil || string(back) != "y"+string(message) {
		t.Errorf("%s: got %x back, %v", a.name, back, err)
	}
	if g.Kind == algorithm.KindCipher {
		return
	}
	out, tag, err := fresh().EncryptDetached(ctx, []byte("x"), message)
	if err != nil || !bytes.Equal(append(out, tag...), sealed) {
		t.Fatalf("%s, apart: got %x and %x, %v", a.name, out, tag, err)
	}
	back, err = fresh().DecryptDetached(ctx, []byte("y"), sealed[1:1+len(message)], tag)
	if err != nil || string(back) != "y"+string(message) {
		t.Errorf("%s, apart: got %x back, %v", a.name, back, err)
	}
}

// Every algorithm gives what its standard says.
func TestKnownAnswers(t *testing.T) {
	known := make(map[string]bool)
	for _, list := range [][]answer{hashAnswers(), macAnswers(), hkdfAnswers(), cipherAnswers()} {
		for _, a := range list {
			known[a.name] = true
			t.Run(strings.ReplaceAll(a.name, "/", "-"), a.run)
		}
	}
	for _, g := range symmetric() {
		if name := string(g.Name); !known[name] && !covered(name) && name != "XOODYAK-160" {
			t.Errorf("there is no known answer for %s", name)
		}
	}
}

// Xoodyak's own authenticated encryption (NIST lightweight cryptography, LWC_AEAD_KAT_128_128 of its second round) is
// a session without a nonce that absorbs nonce and associated data and then encrypts.
func TestSessionGivesTheAnswersOfXoodyak(t *testing.T) {
	ctx := context.Background()
	g := lookup(t, "Xoodyak-128")
	additional := string(unhex(t, count0+"101112131415"))
	message, want := unhex(t, count0[:26]), unhex(t, "cfa1c6efb6e4795450abf50494c96372bf566dec846dbae29c36f4a9cf")
	fresh := func() claviger.SymmetricState {
		s := opened(t, g, unhex(t, count0), claviger.StateOptions{})
		absorb(t, s, string(unhex(t, count0)))
		absorb(t, s, additional)
		return s
	}
	sealed, err := fresh().Encrypt(ctx, nil, message)
	if err != nil || !bytes.Equal(sealed, want) {
		t.Errorf("got %x, %v", sealed, err)
	}
	if back, err := fresh().Decrypt(ctx, nil, want); err != nil || !bytes.Equal(back, message) {
		t.Errorf("got %x back, %v", back, err)
	}
	if back, err := fresh().DecryptDetached(ctx, nil, want[:13], want[13:]); err != nil || !bytes.Equal(back, message) {
		t.Errorf("apart: got %x back, %v", back, err)
	}
}
