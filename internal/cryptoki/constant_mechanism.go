package cryptoki

// Mechanisms (CKM).
const (
	MechRSAPKCSKeyPairGen MechanismType = 0x0000
	MechRSAPKCS           MechanismType = 0x0001 // RSASSA-PKCS1-v1_5 of a DigestInfo, and encryption
	MechRSAPKCSOAEP       MechanismType = 0x0009
	MechRSAPKCSPSS        MechanismType = 0x000D // of a digest

	MechMLKEMKeyPairGen MechanismType = 0x000F // 3.2
	MechMLKEM           MechanismType = 0x0017 // 3.2
	MechMLDSAKeyPairGen MechanismType = 0x001C // 3.2
	MechMLDSA           MechanismType = 0x001D // 3.2

	MechSHA512224     MechanismType = 0x0048
	MechSHA512224HMAC MechanismType = 0x0049
	MechSHA512256     MechanismType = 0x004C
	MechSHA512256HMAC MechanismType = 0x004D

	MechSHA1       MechanismType = 0x0220
	MechSHA256     MechanismType = 0x0250
	MechSHA256HMAC MechanismType = 0x0251
	MechSHA224     MechanismType = 0x0255
	MechSHA224HMAC MechanismType = 0x0256
	MechSHA384     MechanismType = 0x0260
	MechSHA384HMAC MechanismType = 0x0261
	MechSHA512     MechanismType = 0x0270
	MechSHA512HMAC MechanismType = 0x0271

	MechSHA3256     MechanismType = 0x02B0
	MechSHA3256HMAC MechanismType = 0x02B1
	MechSHA3224     MechanismType = 0x02B5
	MechSHA3224HMAC MechanismType = 0x02B6
	MechSHA3384     MechanismType = 0x02C0
	MechSHA3384HMAC MechanismType = 0x02C1
	MechSHA3512     MechanismType = 0x02D0
	MechSHA3512HMAC MechanismType = 0x02D1

	MechGenericSecretKeyGen MechanismType = 0x0350

	MechECKeyPairGen           MechanismType = 0x1040
	MechECDSA                  MechanismType = 0x1041 // of a digest
	MechECDH1Derive            MechanismType = 0x1050
	MechECEdwardsKeyPairGen    MechanismType = 0x1055
	MechECMontgomeryKeyPairGen MechanismType = 0x1056
	MechEdDSA                  MechanismType = 0x1057

	MechAESKeyGen MechanismType = 0x1080
	MechAESCBC    MechanismType = 0x1082
	MechAESCBCPad MechanismType = 0x1085
	MechAESCTR    MechanismType = 0x1086
	MechAESGCM    MechanismType = 0x1087
	MechAESCMAC   MechanismType = 0x108A
)
