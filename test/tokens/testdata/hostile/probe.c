/* A program that calls a PKCS #11 module as its input says, one word a line, and answers each with a line: the code, and numbers.
 * Its argument is the module. It keeps one slot, one session and one object, whatever handles the module gave for them. */
#include <ctype.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkcs11.h"

#define ROOM 64

static CK_FUNCTION_LIST *f;
static CK_ULONG slot, session, object;

static void slots(void) {
	CK_ULONG all[ROOM], n = ROOM;
	CK_RV answer = f->C_GetSlotList(1, all, &n);
	slot = all[0];
	printf("slots 0x%lx %lu\n", answer, n);
}

static void token(void) {
	CK_TOKEN_INFO info;
	memset(&info, ' ', sizeof info);
	CK_RV answer = f->C_GetTokenInfo(slot, &info);
	int n = 32;
	while (n > 0 && info.label[n - 1] == ' ')
		n--;
	for (int i = 0; i < n; i++)
		if (!isgraph(info.label[i]))
			info.label[i] = '.';
	printf("token 0x%lx %.*s\n", answer, n, info.label);
}

/* generate makes an AES key that ends with the session. */
static void generate(void) {
	CK_ULONG length = 32;
	CK_BYTE yes = 1;
	CK_MECHANISM m = {0x1080, NULL, 0};                                             /* CKM_AES_KEY_GEN */
	CK_ATTRIBUTE t[] = {{0x161, &length, sizeof length}, {0x104, &yes, 1}, {3, "probe", 5}}; /* CKA_VALUE_LEN, CKA_ENCRYPT, CKA_LABEL */
	printf("generate 0x%lx\n", f->C_GenerateKey(session, &m, t, 3, &object));
}

/* attribute reads CKA_LABEL, and CKA_MODIFIABLE only for its length. */
static void attribute(void) {
	CK_BYTE label[ROOM];
	CK_ATTRIBUTE t[] = {{3, label, sizeof label}, {0x170, NULL, 0}};
	CK_RV answer = f->C_GetAttributeValue(session, object, t, 2);
	printf("attribute 0x%lx %lu %lu\n", answer, t[0].length, t[1].length);
}

static void find(void) {
	CK_ULONG all[ROOM], n = 0;
	CK_ATTRIBUTE t = {3, "probe", 5};
	CK_RV answer = f->C_FindObjectsInit(session, &t, 1);
	if (answer == CKR_OK)
		answer = f->C_FindObjects(session, all, ROOM, &n);
	if (answer == CKR_OK)
		answer = f->C_FindObjectsFinal(session);
	printf("find 0x%lx %lu\n", answer, n);
}

/* digest hashes "abc" with SHA-256: asks for the length, then for the hash. */
static void digest(void) {
	CK_MECHANISM m = {0x250, NULL, 0};
	CK_BYTE out[ROOM] = {0};
	CK_ULONG asked = 0, n = ROOM;
	CK_RV answer = f->C_DigestInit(session, &m);
	if (answer == CKR_OK)
		answer = f->C_Digest(session, (CK_BYTE *)"abc", 3, NULL, &asked);
	if (answer == CKR_OK)
		answer = f->C_Digest(session, (CK_BYTE *)"abc", 3, out, &n);
	printf("digest 0x%lx %lu %lu %02x%02x\n", answer, asked, n, out[0], out[1]);
}

static void encrypt(void) {
	CK_MECHANISM m = {0x1081, NULL, 0}; /* CKM_AES_ECB */
	CK_BYTE out[16];
	CK_ULONG n = sizeof out;
	CK_RV answer = f->C_EncryptInit(session, &m, object);
	if (answer == CKR_OK)
		answer = f->C_Encrypt(session, (CK_BYTE *)"sixteen bytes ..", 16, out, &n);
	printf("encrypt 0x%lx\n", answer);
}

static void session_info(void) {
	CK_SESSION_INFO info = {0};
	CK_RV answer = f->C_GetSessionInfo(session, &info);
	printf("session 0x%lx %lu\n", answer, info.state);
}

static void word(char *line) {
	line[strcspn(line, "\n")] = 0;
	if (!strcmp(line, "init"))
		printf("init 0x%lx\n", f->C_Initialize(NULL));
	else if (!strcmp(line, "final"))
		printf("final 0x%lx\n", f->C_Finalize(NULL));
	else if (!strcmp(line, "slots"))
		slots();
	else if (!strcmp(line, "token"))
		token();
	else if (!strcmp(line, "open"))
		printf("open 0x%lx\n", f->C_OpenSession(slot, 4, NULL, NULL, &session)); /* CKF_SERIAL_SESSION */
	else if (!strcmp(line, "close"))
		printf("close 0x%lx\n", f->C_CloseSession(session));
	else if (!strncmp(line, "login ", 6))
		printf("login 0x%lx\n", f->C_Login(session, 1, (CK_BYTE *)line + 6, strlen(line + 6))); /* CKU_USER */
	else if (!strcmp(line, "session"))
		session_info();
	else if (!strcmp(line, "generate"))
		generate();
	else if (!strcmp(line, "attribute"))
		attribute();
	else if (!strcmp(line, "find"))
		find();
	else if (!strcmp(line, "digest"))
		digest();
	else if (!strcmp(line, "encrypt"))
		encrypt();
	else
		printf("no such word: %s\n", line);
	fflush(stdout);
}

int main(int argc, char **argv) {
	void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
	CK_RV (*list)(CK_FUNCTION_LIST **) = library ? (CK_RV(*)(CK_FUNCTION_LIST **))dlsym(library, "C_GetFunctionList") : NULL;
	if (!list) {
		printf("no module: %s\n", dlerror());
		return 1;
	}
	CK_RV answer = list(&f);
	printf("list 0x%lx\n", answer);
	fflush(stdout);
	for (char line[256]; answer == CKR_OK && fgets(line, sizeof line, stdin);)
		word(line);
	return 0;
}
