/* The functions of PKCS #11 2.40, in the order of CK_FUNCTION_LIST. Of each:
 *
 *   FORWARD(name, reach, forgotten, output, parameters, arguments)
 *
 * reach      what it needs: GENERAL nothing, SLOT a token in a slot, SESSION a session
 * forgotten  what it answers once the object that it takes is gone; 0 if it takes none
 * output     what it gives back: NOTHING, BYTES, NUMBERS, FOUND, ATTRIBUTES, NUMBER, HANDLES, RECORD
 *
 *   OWN(name, parameters)     the one that each module answers by itself */


FORWARD(C_Initialize, GENERAL, 0, NOTHING, (void *args), (args))
FORWARD(C_Finalize, GENERAL, 0, NOTHING, (void *reserved), (reserved))
FORWARD(C_GetInfo, GENERAL, 0, RECORD(info), (CK_INFO *info), (info))
OWN(C_GetFunctionList, (CK_FUNCTION_LIST **list))

FORWARD(C_GetSlotList, GENERAL, 0, NUMBERS(list, n), (CK_BYTE present, CK_ULONG *list, CK_ULONG *n), (present, list, n))
FORWARD(C_GetSlotInfo, GENERAL, 0, RECORD(info), (CK_ULONG slot, CK_SLOT_INFO *info), (slot, info))
FORWARD(C_GetTokenInfo, SLOT, 0, RECORD(info), (CK_ULONG slot, CK_TOKEN_INFO *info), (slot, info))
FORWARD(C_GetMechanismList, SLOT, 0, NUMBERS(list, n), (CK_ULONG slot, CK_ULONG *list, CK_ULONG *n), (slot, list, n))
FORWARD(C_GetMechanismInfo, SLOT, 0, RECORD(info), (CK_ULONG slot, CK_ULONG type, CK_MECHANISM_INFO *info), (slot, type, info))
FORWARD(C_InitToken, SLOT, 0, NOTHING, (CK_ULONG slot, CK_BYTE *pin, CK_ULONG n, CK_BYTE *label), (slot, pin, n, label))
FORWARD(C_InitPIN, SESSION, 0, NOTHING, (CK_ULONG s, CK_BYTE *pin, CK_ULONG n), (s, pin, n))
FORWARD(C_SetPIN, SESSION, 0, NOTHING, (CK_ULONG s, CK_BYTE *old, CK_ULONG n, CK_BYTE *pin, CK_ULONG m), (s, old, n, pin, m))

FORWARD(C_OpenSession, SLOT, 0, NUMBER(s), (CK_ULONG slot, CK_ULONG flags, void *application, CK_NOTIFY notify, CK_ULONG *s),
	(slot, flags, application, notify, s))
FORWARD(C_CloseSession, SESSION, 0, NOTHING, (CK_ULONG s), (s))
FORWARD(C_CloseAllSessions, SLOT, 0, NOTHING, (CK_ULONG slot), (slot))
FORWARD(C_GetSessionInfo, SESSION, 0, RECORD(info), (CK_ULONG s, CK_SESSION_INFO *info), (s, info))
FORWARD(C_GetOperationState, SESSION, 0, BYTES(out, n), (CK_ULONG s, CK_BYTE *out, CK_ULONG *n), (s, out, n))
FORWARD(C_SetOperationState, SESSION, 0, NOTHING, (CK_ULONG s, CK_BYTE *state, CK_ULONG n, CK_ULONG encryption, CK_ULONG authentication),
	(s, state, n, encryption, authentication))
FORWARD(C_Login, SESSION, 0, NOTHING, (CK_ULONG s, CK_ULONG user, CK_BYTE *pin, CK_ULONG n), (s, user, pin, n))
FORWARD(C_Logout, SESSION, 0, NOTHING, (CK_ULONG s), (s))

FORWARD(C_CreateObject, SESSION, 0, NUMBER(object), (CK_ULONG s, CK_ATTRIBUTE *t, CK_ULONG n, CK_ULONG *object), (s, t, n, object))
FORWARD(C_CopyObject, SESSION, CKR_OBJECT_HANDLE_INVALID, NUMBER(copy),
	(CK_ULONG s, CK_ULONG object, CK_ATTRIBUTE *t, CK_ULONG n, CK_ULONG *copy), (s, object, t, n, copy))
FORWARD(C_DestroyObject, SESSION, CKR_OBJECT_HANDLE_INVALID, NOTHING, (CK_ULONG s, CK_ULONG object), (s, object))
FORWARD(C_GetObjectSize, SESSION, CKR_OBJECT_HANDLE_INVALID, NUMBER(size), (CK_ULONG s, CK_ULONG object, CK_ULONG *size), (s, object, size))
FORWARD(C_GetAttributeValue, SESSION, CKR_OBJECT_HANDLE_INVALID, ATTRIBUTES(t, n),
	(CK_ULONG s, CK_ULONG object, CK_ATTRIBUTE *t, CK_ULONG n), (s, object, t, n))
FORWARD(C_SetAttributeValue, SESSION, CKR_OBJECT_HANDLE_INVALID, NOTHING,
	(CK_ULONG s, CK_ULONG object, CK_ATTRIBUTE *t, CK_ULONG n), (s, object, t, n))
FORWARD(C_FindObjectsInit, SESSION, 0, NOTHING, (CK_ULONG s, CK_ATTRIBUTE *t, CK_ULONG n), (s, t, n))
FORWARD(C_FindObjects, SESSION, 0, FOUND(objects, most, n),
	(CK_ULONG s, CK_ULONG *objects, CK_ULONG most, CK_ULONG *n), (s, objects, most, n))
FORWARD(C_FindObjectsFinal, SESSION, 0, NOTHING, (CK_ULONG s), (s))

FORWARD(C_EncryptInit, SESSION, CKR_KEY_HANDLE_INVALID, NOTHING, (CK_ULONG s, CK_MECHANISM *m, CK_ULONG key), (s, m, key))
FORWARD(C_Encrypt, SESSION, 0, BYTES(out, n), (CK_ULONG s, CK_BYTE *in, CK_ULONG len, CK_BYTE *out, CK_ULONG *n), (s, in, len, out, n))
FORWARD(C_EncryptUpdate, SESSION, 0, BYTES(out, n), (CK_ULONG s, CK_BYTE *in, CK_ULONG len, CK_BYTE *out, CK_ULONG *n), (s, in, len, out, n))
FORWARD(C_EncryptFinal, SESSION, 0, BYTES(out, n), (CK_ULONG s, CK_BYTE *out, CK_ULONG *n), (s, out, n))
FORWARD(C_DecryptInit, SESSION, CKR_KEY_HANDLE_INVALID, NOTHING, (CK_ULONG s, CK_MECHANISM *m, CK_ULONG key), (s, m, key))
FORWARD(C_Decrypt, SESSION, 0, BYTES(out, n), (CK_ULONG s, CK_BYTE *in, CK_ULONG len, CK_BYTE *out, CK_ULONG *n), (s, in, len, out, n))
FORWARD(C_DecryptUpdate, SESSION, 0, BYTES(out, n), (CK_ULONG s, CK_BYTE *in, CK_ULONG len, CK_BYTE *out, CK_ULONG *n), (s, in, len, out, n))
FORWARD(C_DecryptFinal, SESSION, 0, BYTES(out, n), (CK_ULONG s, CK_BYTE *out, CK_ULONG *n), (s, out, n))

FORWARD(C_DigestInit, SESSION, 0, NOTHING, (CK_ULONG s, CK_MECHANISM *m), (s, m))
FORWARD(C_Digest, SESSION, 0, BYTES(out, n), (CK_ULONG s, CK_BYTE *in, CK_ULONG len, CK_BYTE *out, CK_ULONG *n), (s, in, len, out, n))
FORWARD(C_DigestUpdate, SESSION, 0, NOTHING, (CK_ULONG s, CK_BYTE *in, CK_ULONG len), (s, in, len))
FORWARD(C_DigestKey, SESSION, CKR_KEY_HANDLE_INVALID, NOTHING, (CK_ULONG s, CK_ULONG key), (s, key))
FORWARD(C_DigestFinal, SESSION, 0, BYTES(out, n), (CK_ULONG s, CK_BYTE *out, CK_ULONG *n), (s, out, n))

FORWARD(C_SignInit, SESSION, CKR_KEY_HANDLE_INVALID, NOTHING, (CK_ULONG s, CK_MECHANISM *m, CK_ULONG key), (s, m, key))
FORWARD(C_Sign, SESSION, 0, BYTES(out, n), (CK_ULONG s, CK_BYTE *in, CK_ULONG len, CK_BYTE *out, CK_ULONG *n), (s, in, len, out, n))
FORWARD(C_SignUpdate, SESSION, 0, NOTHING, (CK_ULONG s, CK_BYTE *in, CK_ULONG len), (s, in, len))
FORWARD(C_SignFinal, SESSION, 0, BYTES(out, n), (CK_ULONG s, CK_BYTE *out, CK_ULONG *n), (s, out, n))
FORWARD(C_SignRecoverInit, SESSION, CKR_KEY_HANDLE_INVALID, NOTHING, (CK_ULONG s, CK_MECHANISM *m, CK_ULONG key), (s, m, key))
FORWARD(C_SignRecover, SESSION, 0, BYTES(out, n), (CK_ULONG s, CK_BYTE *in, CK_ULONG len, CK_BYTE *out, CK_ULONG *n), (s, in, len, out, n))
FORWARD(C_VerifyInit, SESSION, CKR_KEY_HANDLE_INVALID, NOTHING, (CK_ULONG s, CK_MECHANISM *m, CK_ULONG key), (s, m, key))
FORWARD(C_Verify, SESSION, 0, NOTHING, (CK_ULONG s, CK_BYTE *in, CK_ULONG len, CK_BYTE *signature, CK_ULONG n), (s, in, len, signature, n))
FORWARD(C_VerifyUpdate, SESSION, 0, NOTHING, (CK_ULONG s, CK_BYTE *in, CK_ULONG len), (s, in, len))
FORWARD(C_VerifyFinal, SESSION, 0, NOTHING, (CK_ULONG s, CK_BYTE *signature, CK_ULONG n), (s, signature, n))
FORWARD(C_VerifyRecoverInit, SESSION, CKR_KEY_HANDLE_INVALID, NOTHING, (CK_ULONG s, CK_MECHANISM *m, CK_ULONG key), (s, m, key))
FORWARD(C_VerifyRecover, SESSION, 0, BYTES(out, n), (CK_ULONG s, CK_BYTE *in, CK_ULONG len, CK_BYTE *out, CK_ULONG *n), (s, in, len, out, n))
FORWARD(C_DigestEncryptUpdate, SESSION, 0, BYTES(out, n),
	(CK_ULONG s, CK_BYTE *in, CK_ULONG len, CK_BYTE *out, CK_ULONG *n), (s, in, len, out, n))
FORWARD(C_DecryptDigestUpdate, SESSION, 0, BYTES(out, n),
	(CK_ULONG s, CK_BYTE *in, CK_ULONG len, CK_BYTE *out, CK_ULONG *n), (s, in, len, out, n))
FORWARD(C_SignEncryptUpdate, SESSION, 0, BYTES(out, n),
	(CK_ULONG s, CK_BYTE *in, CK_ULONG len, CK_BYTE *out, CK_ULONG *n), (s, in, len, out, n))
FORWARD(C_DecryptVerifyUpdate, SESSION, 0, BYTES(out, n),
	(CK_ULONG s, CK_BYTE *in, CK_ULONG len, CK_BYTE *out, CK_ULONG *n), (s, in, len, out, n))

FORWARD(C_GenerateKey, SESSION, 0, NUMBER(key),
	(CK_ULONG s, CK_MECHANISM *m, CK_ATTRIBUTE *t, CK_ULONG n, CK_ULONG *key), (s, m, t, n, key))
FORWARD(C_GenerateKeyPair, SESSION, 0, HANDLES(public_key, private_key),
	(CK_ULONG s, CK_MECHANISM *m, CK_ATTRIBUTE *t, CK_ULONG n, CK_ATTRIBUTE *u, CK_ULONG k, CK_ULONG *public_key, CK_ULONG *private_key),
	(s, m, t, n, u, k, public_key, private_key))
FORWARD(C_WrapKey, SESSION, CKR_KEY_HANDLE_INVALID, BYTES(out, n),
	(CK_ULONG s, CK_MECHANISM *m, CK_ULONG with, CK_ULONG key, CK_BYTE *out, CK_ULONG *n), (s, m, with, key, out, n))
FORWARD(C_UnwrapKey, SESSION, CKR_KEY_HANDLE_INVALID, NUMBER(key),
	(CK_ULONG s, CK_MECHANISM *m, CK_ULONG with, CK_BYTE *in, CK_ULONG len, CK_ATTRIBUTE *t, CK_ULONG n, CK_ULONG *key),
	(s, m, with, in, len, t, n, key))
FORWARD(C_DeriveKey, SESSION, CKR_KEY_HANDLE_INVALID, NUMBER(key),
	(CK_ULONG s, CK_MECHANISM *m, CK_ULONG base, CK_ATTRIBUTE *t, CK_ULONG n, CK_ULONG *key), (s, m, base, t, n, key))

FORWARD(C_SeedRandom, SESSION, 0, NOTHING, (CK_ULONG s, CK_BYTE *in, CK_ULONG len), (s, in, len))
FORWARD(C_GenerateRandom, SESSION, 0, NOTHING, (CK_ULONG s, CK_BYTE *out, CK_ULONG n), (s, out, n))
FORWARD(C_GetFunctionStatus, SESSION, 0, NOTHING, (CK_ULONG s), (s))
FORWARD(C_CancelFunction, SESSION, 0, NOTHING, (CK_ULONG s), (s))
FORWARD(C_WaitForSlotEvent, GENERAL, 0, NUMBER(slot), (CK_ULONG flags, CK_ULONG *slot, void *reserved), (flags, slot, reserved))
