package cryptoki

// Flags are the bits of slots, tokens and mechanisms (CKF), which mean different things on each.
type Flags uint

// Has reports whether all bits of flag are set.
func (f Flags) Has(flag Flags) bool { return f&flag == flag }

// Flags of a slot.
const (
	FlagTokenPresent    Flags = 0x1 // CKF_TOKEN_PRESENT
	FlagRemovableDevice Flags = 0x2 // CKF_REMOVABLE_DEVICE
	FlagHardwareSlot    Flags = 0x4 // CKF_HW_SLOT
)

// Flags of a token.
const (
	FlagRNG                         Flags = 0x1     // CKF_RNG
	FlagWriteProtected              Flags = 0x2     // CKF_WRITE_PROTECTED
	FlagLoginRequired               Flags = 0x4     // CKF_LOGIN_REQUIRED
	FlagUserPINInitialized          Flags = 0x8     // CKF_USER_PIN_INITIALIZED
	FlagProtectedAuthenticationPath Flags = 0x100   // CKF_PROTECTED_AUTHENTICATION_PATH
	FlagTokenInitialized            Flags = 0x400   // CKF_TOKEN_INITIALIZED
	FlagUserPINCountLow             Flags = 0x10000 // CKF_USER_PIN_COUNT_LOW: a wrong one since the last right one
	FlagUserPINFinalTry             Flags = 0x20000 // CKF_USER_PIN_FINAL_TRY: one more wrong one locks it
	FlagUserPINLocked               Flags = 0x40000 // CKF_USER_PIN_LOCKED
	FlagUserPINToBeChanged          Flags = 0x80000 // CKF_USER_PIN_TO_BE_CHANGED
)

// Flags of a mechanism.
const (
	FlagHardware        Flags = 0x1       // CKF_HW
	FlagEncrypt         Flags = 0x100     // CKF_ENCRYPT
	FlagDecrypt         Flags = 0x200     // CKF_DECRYPT
	FlagDigest          Flags = 0x400     // CKF_DIGEST
	FlagSign            Flags = 0x800     // CKF_SIGN
	FlagVerify          Flags = 0x2000    // CKF_VERIFY
	FlagGenerate        Flags = 0x8000    // CKF_GENERATE
	FlagGenerateKeyPair Flags = 0x10000   // CKF_GENERATE_KEY_PAIR
	FlagWrap            Flags = 0x20000   // CKF_WRAP
	FlagUnwrap          Flags = 0x40000   // CKF_UNWRAP
	FlagDerive          Flags = 0x80000   // CKF_DERIVE
	FlagECFP            Flags = 0x100000  // CKF_EC_F_P
	FlagECNamedCurve    Flags = 0x800000  // CKF_EC_NAMEDCURVE, later CKF_EC_OID
	FlagECUncompress    Flags = 0x1000000 // CKF_EC_UNCOMPRESS
)

// Values of AttrClass (CKO).
const (
	ClassData       uint = 0
	ClassPublicKey  uint = 2
	ClassPrivateKey uint = 3
	ClassSecretKey  uint = 4
)

// Values of AttrKeyType (CKK).
const (
	KeyRSA           uint = 0x00
	KeyEC            uint = 0x03
	KeyGenericSecret uint = 0x10
	KeyAES           uint = 0x1F
	KeySHA256HMAC    uint = 0x2B
	KeySHA384HMAC    uint = 0x2C
	KeySHA512HMAC    uint = 0x2D
	KeySHA224HMAC    uint = 0x2E
	KeySHA3224HMAC   uint = 0x36
	KeySHA3256HMAC   uint = 0x37
	KeySHA3384HMAC   uint = 0x38
	KeySHA3512HMAC   uint = 0x39
	KeyECEdwards     uint = 0x40
	KeyECMontgomery  uint = 0x41
	KeySHA512224HMAC uint = 0x43
	KeySHA512256HMAC uint = 0x44
	KeyMLKEM         uint = 0x49 // 3.2
	KeyMLDSA         uint = 0x4A // 3.2
)

// Mask generation functions (CKG_MGF1).
const (
	MGF1SHA1    uint = 1
	MGF1SHA256  uint = 2
	MGF1SHA384  uint = 3
	MGF1SHA512  uint = 4
	MGF1SHA224  uint = 5
	MGF1SHA3224 uint = 6
	MGF1SHA3256 uint = 7
	MGF1SHA3384 uint = 8
	MGF1SHA3512 uint = 9
)

// Attribute types (CKA).
const (
	AttrClass              AttributeType = 0x000 // CKA_CLASS
	AttrToken              AttributeType = 0x001 // CKA_TOKEN: the object stays when the session ends
	AttrPrivate            AttributeType = 0x002 // CKA_PRIVATE: out of reach without a login
	AttrLabel              AttributeType = 0x003 // CKA_LABEL
	AttrUniqueID           AttributeType = 0x004 // CKA_UNIQUE_ID, 3.0
	AttrValue              AttributeType = 0x011 // CKA_VALUE
	AttrCheckValue         AttributeType = 0x090 // CKA_CHECK_VALUE
	AttrKeyType            AttributeType = 0x100 // CKA_KEY_TYPE
	AttrID                 AttributeType = 0x102 // CKA_ID
	AttrSensitive          AttributeType = 0x103 // CKA_SENSITIVE
	AttrEncrypt            AttributeType = 0x104 // CKA_ENCRYPT
	AttrDecrypt            AttributeType = 0x105 // CKA_DECRYPT
	AttrWrap               AttributeType = 0x106 // CKA_WRAP
	AttrUnwrap             AttributeType = 0x107 // CKA_UNWRAP
	AttrSign               AttributeType = 0x108 // CKA_SIGN
	AttrVerify             AttributeType = 0x10A // CKA_VERIFY
	AttrDerive             AttributeType = 0x10C // CKA_DERIVE
	AttrModulus            AttributeType = 0x120 // CKA_MODULUS, big-endian
	AttrModulusBits        AttributeType = 0x121 // CKA_MODULUS_BITS
	AttrPublicExponent     AttributeType = 0x122 // CKA_PUBLIC_EXPONENT, big-endian
	AttrPrivateExponent    AttributeType = 0x123 // CKA_PRIVATE_EXPONENT
	AttrPrime1             AttributeType = 0x124 // CKA_PRIME_1
	AttrPrime2             AttributeType = 0x125 // CKA_PRIME_2
	AttrExponent1          AttributeType = 0x126 // CKA_EXPONENT_1
	AttrExponent2          AttributeType = 0x127 // CKA_EXPONENT_2
	AttrCoefficient        AttributeType = 0x128 // CKA_COEFFICIENT
	AttrPublicKeyInfo      AttributeType = 0x129 // CKA_PUBLIC_KEY_INFO, a DER SubjectPublicKeyInfo
	AttrValueLen           AttributeType = 0x161 // CKA_VALUE_LEN, in bytes
	AttrExtractable        AttributeType = 0x162 // CKA_EXTRACTABLE
	AttrLocal              AttributeType = 0x163 // CKA_LOCAL: generated on the token
	AttrNeverExtractable   AttributeType = 0x164 // CKA_NEVER_EXTRACTABLE
	AttrAlwaysSensitive    AttributeType = 0x165 // CKA_ALWAYS_SENSITIVE
	AttrKeyGenMechanism    AttributeType = 0x166 // CKA_KEY_GEN_MECHANISM
	AttrModifiable         AttributeType = 0x170 // CKA_MODIFIABLE
	AttrCopyable           AttributeType = 0x171 // CKA_COPYABLE
	AttrDestroyable        AttributeType = 0x172 // CKA_DESTROYABLE
	AttrECParams           AttributeType = 0x180 // CKA_EC_PARAMS, DER
	AttrECPoint            AttributeType = 0x181 // CKA_EC_POINT, a DER octet string for EC
	AttrAlwaysAuthenticate AttributeType = 0x202 // CKA_ALWAYS_AUTHENTICATE: a PIN for each use
	AttrParameterSet       AttributeType = 0x61D // CKA_PARAMETER_SET, 3.2

	AttrAllowedMechanisms AttributeType = 0x40000600 // CKA_ALLOWED_MECHANISMS, an array of CK_ULONG
)
