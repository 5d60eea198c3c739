package providertest

import (
	"encoding/hex"
	"strings"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
)

func moreHashes() []known {
	const abc = "616263"
	return []known{
		{source: "RFC 7693 appendix A", op: provider.Hash, algorithm: "BLAKE2B-512", in: abc,
			out: "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"},
		{source: "BLAKE2 reference, abc", op: provider.Hash, algorithm: "BLAKE2B-256", in: abc,
			out: "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"},
		{source: "BLAKE3 test vectors, empty", op: provider.Hash, algorithm: "BLAKE3",
			out: "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"},
		{source: "SP 800-185 section 3.3, equal to SHAKE", op: provider.Hash, algorithm: "CSHAKE-128",
			out: "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26"},
		{source: "RFC 9861 section 5", op: provider.Hash, algorithm: "TURBOSHAKE-128",
			out: "1e415f1c5983aff2169217277d17bb538cd945a397ddec541f1ce41af2c1b74c"},
		{source: "RFC 9861 section 5", op: provider.Hash, algorithm: "TURBOSHAKE-256",
			out: "367a329dafea871c7802ec67f905ae13c57695dc2c6663c61035f59a18f8e7db11edc0e12e91ea60eb6b32df06dd7f002fbafabb6e13ec1cc20d995547600db0"},
		{source: "RFC 9861 section 5", op: provider.Hash, algorithm: "KT128",
			out: "1ac2d450fc3b4205d19da7bfca1b37513c0803577ac7167f06fe2ce1f0ef39e5"},
		{source: "RFC 9861 section 5", op: provider.Hash, algorithm: "KT256",
			out: "b23d2e9cea9f4904e02bec06817fc10ce38ce8e93ef4c89e6537076af8646404e3e8b68107b8833a5d30490aa33482353fd4adc7148ecb782855003aaebde4a9"},
		{source: "ascon-c LWC_HASH_KAT_128_256 count 1", op: provider.Hash, algorithm: "ASCON-HASH",
			out: "0b3be5850f2f6b98caf29f8fdea89b64a1fa70aa249b8f839bd53baa304d92b2"},
		{source: "ascon-c LWC_XOF_KAT_128_512 count 1", op: provider.Hash, algorithm: "ASCON-XOF",
			out: "473d5e6164f58b39dfd84aacdb8ae42ec2d91fed33388ee0d960d9b3993295c6"},
		{source: "Xoodyak LWC_HASH_KAT_256 count 1", op: provider.Hash, algorithm: "XOODYAK-HASH",
			out: "ea152f2b47bce24efb66c479d4adf17bd324d806e85ff75ee369ee50dc8f8bd1"},
	}
}

func moreCodes() []known {
	const forty = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411"
	kmacKey := "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"
	var long []byte
	for i := range 200 {
		long = append(long, byte(i))
	}
	return []known{
		{source: "RFC 4493 section 4 example 3", op: provider.MAC, algorithm: "AES-128-CMAC", keyAlg: "AES-128", key: "2b7e151628aed2a6abf7158809cf4f3c", in: forty,
			out: "dfa66747de9ae63030ca32611497c827"},
		{source: "SP 800-38B D.2", op: provider.MAC, algorithm: "AES-192-CMAC", keyAlg: "AES-192", key: "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", in: forty,
			out: "8a1de5be2eb31aad089a82e6ee908b0e"},
		{source: "SP 800-38B D.3", op: provider.MAC, algorithm: "AES-256-CMAC", keyAlg: "AES-256",
			key: "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", in: forty, out: "aaf3d8f1de5640c232f5b169b9c911e6"},
		{source: "NIST KMAC sample 1", op: provider.MAC, algorithm: "KMAC-128", keyAlg: "KMAC-128", key: kmacKey, in: "00010203",
			out: "e5780b0d3ea6f7d3a429c5706aa43a00fadbd7d49628839e3187243f456ee14e"},
		{source: "NIST KMAC sample 5", op: provider.MAC, algorithm: "KMAC-256", keyAlg: "KMAC-256", key: kmacKey, in: hex.EncodeToString(long),
			out: "75358cf39e41494e949707927cee0af20a3ff553904c86b08f21cc414bcfd691589d27cf5e15369cbbff8b9a4c2eb17800855d0235ff635da82533ec6b759b69"},
	}
}

func moreAEADs() []known {
	const count, count1, count2 = "000102030405060708090a0b0c0d0e0f", "101112131415161718191a1b1c1d1e1f", "202122232425262728292a2b2c2d2e2f"
	one := "01" + strings.Repeat("00", 15)
	aegis := func(algorithm claviger.Algorithm, key claviger.Algorithm, k, iv, tag string) known {
		return known{source: "draft-irtf-cfrg-aegis-aead appendix A", op: provider.Encrypt, algorithm: algorithm, keyAlg: key, key: k, iv: iv, out: tag}
	}
	return []known{
		{source: "draft-irtf-cfrg-xchacha A.3.1", op: provider.Encrypt, algorithm: "XCHACHA20-POLY1305", keyAlg: "ChaCha20",
			key: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", iv: "404142434445464748494a4b4c4d4e4f5051525354555657", aad: "50515253c0c1c2c3c4c5c6c7",
			in: hex.EncodeToString([]byte("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.")),
			out: "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452" +
				"2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52e" + "c0875924c1c7987947deafd8780acf49"},
		{source: "RFC 8452 C.1", op: provider.Encrypt, algorithm: "AES-128-GCM-SIV", keyAlg: "AES-128", key: one, iv: "030000000000000000000000", aad: "01",
			in: "0200000000000000", out: "1e6daba35669f4273b0a1a2560969cdf790d99759abd1508"},
		{source: "RFC 8452 C.2", op: provider.Encrypt, algorithm: "AES-256-GCM-SIV", keyAlg: "AES-256", key: one + strings.Repeat("00", 16), iv: "030000000000000000000000",
			in: "0100000000000000", out: "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28"},
		aegis("AEGIS-128X2", "AEGIS-128", count, count1, "63117dc57756e402819a82e13eca8379"),
		aegis("AEGIS-128X4", "AEGIS-128", count, count1, "5bef762d0947c00455b97bb3af30dfa3"),
		aegis("AEGIS-256X2", "AEGIS-256", count+count1, count1+count2, "62cdbab084c83dacdb945bb446f049c8"),
		aegis("AEGIS-256X4", "AEGIS-256", count+count1, count1+count2, "3b7fee6cee7bf17888ad11ed2397beb4"),
		{source: "draft-irtf-cfrg-aegis-aead appendix A", op: provider.Encrypt, algorithm: "AEGIS-128L", keyAlg: "AEGIS-128", key: "1001" + strings.Repeat("00", 14),
			iv: "100002" + strings.Repeat("00", 13), in: strings.Repeat("00", 16), out: "c1c0e58bd913006feba00f4b3cc3594e" + "abe0ece80c24868a226a35d16bdae37a"},
		{source: "draft-irtf-cfrg-aegis-aead appendix A", op: provider.Encrypt, algorithm: "AEGIS-256", keyAlg: "AEGIS-256", key: "1001" + strings.Repeat("00", 30),
			iv: "100002" + strings.Repeat("00", 29), in: strings.Repeat("00", 16), out: "754fc3d8c973246dcc6d741412a4b236" + "3fe91994768b332ed7f570a19ec5896e"},
		{source: "ascon-c LWC_AEAD_KAT_128_128 count 2", op: provider.Encrypt, algorithm: "ASCON-AEAD", keyAlg: "ASCON-AEAD", key: count, iv: count1, aad: "30",
			out: "cccb674fe18a09a285d6ab11b35675c0"},
		{source: "Xoodyak LWC_AEAD_KAT_128_128 count 2", op: provider.Encrypt, algorithm: "XOODYAK-128", keyAlg: "XOODYAK-128", key: count, iv: count, aad: "00",
			out: "4d2a8d1716dfe3401f3bbe8acb637ab0"},
	}
}

func moreSignatures() []known {
	return []known{
		{source: "RFC 8032 section 7.4, blank", op: provider.Sign, algorithm: "Ed448", keyAlg: "Ed448", class: claviger.PrivateKey,
			key: "6c82a562cb808d10d632be89c8513ebf6c929f34ddfa8c9f63c9960ef6e348a3528c8a3fcc2f044e39a3fc5b94492f8f032e7549a20098f95b",
			out: "533a37f6bbe457251f023c0d88f976ae2dfb504a843e34d2074fd823d41a591f2b233f034f628281f2fd7a22ddd47d7828c59bd0a21bfd3980" +
				"ff0d2028d4b18a9df63e006c5d1c2d345b925d8dc00b4104852db99ac5c7cdda8530a113a0f4dbb61149f05a7363268c71d95808ff2e652600"},
		{source: "RFC 8032 section 7.5", op: provider.Sign, algorithm: "Ed448ph", keyAlg: "Ed448", class: claviger.PrivateKey, in: "616263",
			key: "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42ef7822e0d5104127dc05d6dbefde69e3ab2cec7c867c6e2c49",
			out: "822f6901f7480f3d5f562c592994d9693602875614483256505600bbc281ae381f54d6bce2ea911574932f52a4e6cadd78769375ec3ffd1b801a0d9b3f4030cd" +
				"433964b6457ea39476511214f97469b57dd32dbc560a9a94d00bff07620464a3ad203df7dc7ce360c3cd3696d9d9fab90f00"},
		{source: "RFC 6979 on secp256k1, key 1, as in the tests of several libraries", op: provider.Verify, algorithm: "ECDSA-K256-SHA-256", keyAlg: "ECDSA-K256",
			class: claviger.PrivateKey, key: strings.Repeat("0", 63) + "1", in: hex.EncodeToString([]byte("Satoshi Nakamoto")),
			out: "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8" + "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5"},
	}
}

// knownX448 is RFC 7748 section 6.2.
func knownX448() agreement {
	return agreement{"X448", "9a8f4925d1519f5775cf46b04b5800d4ee9ee8bae8bc5565d498c28dd9c9baf574a9419744897391006382a6f127ab1d9ac2d8c0a598726b",
		"3eb7a829b0cd20f5bcfc0b599b6feccf6da4627107bdb0d4f345b43027d8b972fc3e34fb4232a13ca706dcb57aec3dae07bdc1c67bf33609",
		"07fff4181ac6cc95ec1c16a94a0f74d12da232ce40a77552281d282bb60c0b56fd2464c335543936521c24403085d59a449a5037514a879d"}
}
