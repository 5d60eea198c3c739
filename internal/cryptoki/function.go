package cryptoki

// function is the place of a C function in CK_FUNCTION_LIST, counted from the first pointer (PKCS #11 3.1 section 3.6).
// The places up to fnWaitForSlotEvent are those of every 2.x; those after it exist in the lists of 3.x.
type function uint8

const (
	fnInitialize function = iota
	fnFinalize
	fnGetInfo
	fnGetFunctionList
	fnGetSlotList
	fnGetSlotInfo
	fnGetTokenInfo
	fnGetMechanismList
	fnGetMechanismInfo
	fnInitToken
	fnInitPIN
	fnSetPIN
	fnOpenSession
	fnCloseSession
	fnCloseAllSessions
	fnGetSessionInfo
	fnGetOperationState
	fnSetOperationState
	fnLogin
	fnLogout
	fnCreateObject
	fnCopyObject
	fnDestroyObject
	fnGetObjectSize
	fnGetAttributeValue
	fnSetAttributeValue
	fnFindObjectsInit
	fnFindObjects
	fnFindObjectsFinal
	fnEncryptInit
	fnEncrypt
	fnEncryptUpdate
	fnEncryptFinal
	fnDecryptInit
	fnDecrypt
	fnDecryptUpdate
	fnDecryptFinal
	fnDigestInit
	fnDigest
	fnDigestUpdate
	fnDigestKey
	fnDigestFinal
	fnSignInit
	fnSign
	fnSignUpdate
	fnSignFinal
	fnSignRecoverInit
	fnSignRecover
	fnVerifyInit
	fnVerify
	fnVerifyUpdate
	fnVerifyFinal
	fnVerifyRecoverInit
	fnVerifyRecover
	fnDigestEncryptUpdate
	fnDecryptDigestUpdate
	fnSignEncryptUpdate
	fnDecryptVerifyUpdate
	fnGenerateKey
	fnGenerateKeyPair
	fnWrapKey
	fnUnwrapKey
	fnDeriveKey
	fnSeedRandom
	fnGenerateRandom
	fnGetFunctionStatus
	fnCancelFunction
	fnWaitForSlotEvent
	fnGetInterfaceList
	fnGetInterface
	fnLoginUser
	fnSessionCancel
	functionCount
)

// How many pointers a list of 2.x has.
const functionCount2 = fnGetInterfaceList

// String gives the function's name in the standard.
func (f function) String() string { return functionNames[f] }

var functionNames = [functionCount]string{
	"C_Initialize", "C_Finalize", "C_GetInfo", "C_GetFunctionList", "C_GetSlotList", "C_GetSlotInfo", "C_GetTokenInfo",
	"C_GetMechanismList", "C_GetMechanismInfo", "C_InitToken", "C_InitPIN", "C_SetPIN", "C_OpenSession",
	"C_CloseSession", "C_CloseAllSessions", "C_GetSessionInfo", "C_GetOperationState", "C_SetOperationState",
	"C_Login", "C_Logout", "C_CreateObject", "C_CopyObject", "C_DestroyObject", "C_GetObjectSize",
	"C_GetAttributeValue", "C_SetAttributeValue", "C_FindObjectsInit", "C_FindObjects", "C_FindObjectsFinal",
	"C_EncryptInit", "C_Encrypt", "C_EncryptUpdate", "C_EncryptFinal", "C_DecryptInit", "C_Decrypt",
	"C_DecryptUpdate", "C_DecryptFinal", "C_DigestInit", "C_Digest", "C_DigestUpdate", "C_DigestKey",
	"C_DigestFinal", "C_SignInit", "C_Sign", "C_SignUpdate", "C_SignFinal", "C_SignRecoverInit", "C_SignRecover",
	"C_VerifyInit", "C_Verify", "C_VerifyUpdate", "C_VerifyFinal", "C_VerifyRecoverInit", "C_VerifyRecover",
	"C_DigestEncryptUpdate", "C_DecryptDigestUpdate", "C_SignEncryptUpdate", "C_DecryptVerifyUpdate",
	"C_GenerateKey", "C_GenerateKeyPair", "C_WrapKey", "C_UnwrapKey", "C_DeriveKey", "C_SeedRandom",
	"C_GenerateRandom", "C_GetFunctionStatus", "C_CancelFunction", "C_WaitForSlotEvent", "C_GetInterfaceList",
	"C_GetInterface", "C_LoginUser", "C_SessionCancel",
}
