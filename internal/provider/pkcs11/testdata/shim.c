/* A PKCS #11 module in front of another one, which it makes fail as the environment says at the moment of a call:
 *
 *   SHIM_MODULE    path of the module behind
 *   SHIM_FAULTS    "C_Sign=179*1 C_DestroyObject=0": what functions return without being called, how often; always without "*"
 *   SHIM_SESSIONS  how many sessions there may be at once
 *   SHIM_FLAGS     flags of each token beside its own; SHIM_NOFLAGS flags that it has not
 *   SHIM_MAX       ulMaxSessionCount
 *
 * Functions are called with eight words whatever they take, which registers and stack of the ABIs of 64-bit Linux bear. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long word;
typedef word (*function)(word, word, word, word, word, word, word, word);
struct list {
	unsigned char version[2];
	function f[68];
};

static struct list mine;
static struct list *behind;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char faults[1024]; /* as last seen, each count behind "*" being counted down */
static char seen[1024];
static long sessions;

static word number(const char *name)
{
	const char *s = getenv(name);
	return s ? strtoul(s, 0, 0) : 0;
}

/* fault reports whether a function is to fail, and how. */
static int fault(const char *name, word *rv)
{
	const char *now = getenv("SHIM_FAULTS");
	int found = 0;
	char *at, *end;
	size_t n = strlen(name);
	pthread_mutex_lock(&lock);
	if (!now)
		now = "";
	if (strcmp(now, seen)) {
		strncpy(seen, now, sizeof seen - 1);
		strncpy(faults, now, sizeof faults - 1);
	}
	for (at = faults; (at = strstr(at, name)) != 0; at += n)
		if (at[n] == '=' && (at == faults || at[-1] == ' ')) {
			*rv = strtoul(at + n + 1, &end, 0);
			found = *end != '*' || end[1] > '0';
			if (*end == '*' && end[1] > '0')
				end[1]--;
			break;
		}
	pthread_mutex_unlock(&lock);
	return found;
}

#define WRAP(n, name)                                                                              \
	static word name##_(word a, word b, word c, word d, word e, word f, word g, word h)        \
	{                                                                                          \
		word rv;                                                                           \
		if (fault(#name, &rv))                                                             \
			return rv;                                                                 \
		return behind->f[n](a, b, c, d, e, f, g, h);                                       \
	}

WRAP(4, C_GetSlotList)
WRAP(7, C_GetMechanismList)
WRAP(8, C_GetMechanismInfo)
WRAP(15, C_GetSessionInfo)
WRAP(18, C_Login)
WRAP(20, C_CreateObject)
WRAP(21, C_CopyObject)
WRAP(22, C_DestroyObject)
WRAP(26, C_FindObjectsInit)
WRAP(28, C_FindObjectsFinal)
WRAP(33, C_DecryptInit)
WRAP(34, C_Decrypt)
WRAP(37, C_DigestInit)
WRAP(39, C_DigestUpdate)
WRAP(42, C_SignInit)
WRAP(43, C_Sign)
WRAP(44, C_SignUpdate)
WRAP(45, C_SignFinal)
WRAP(48, C_VerifyInit)
WRAP(58, C_GenerateKey)
WRAP(62, C_DeriveKey)

static word finalize(word a, word b, word c, word d, word e, word f, word g, word h)
{
	__atomic_store_n(&sessions, 0, __ATOMIC_SEQ_CST);
	return behind->f[1](a, b, c, d, e, f, g, h);
}

static word token(word slot, word info, word c, word d, word e, word f, word g, word h)
{
	word rv;
	if (fault("C_GetTokenInfo", &rv))
		return rv;
	rv = behind->f[6](slot, info, c, d, e, f, g, h);
	if (rv == 0) {
		word *flags = (word *)(info + 96);
		flags[0] = (flags[0] | number("SHIM_FLAGS")) & ~number("SHIM_NOFLAGS");
		if (number("SHIM_MAX"))
			flags[1] = number("SHIM_MAX");
	}
	return rv;
}

static word opened(word a, word b, word c, word d, word e, word f, word g, word h)
{
	word rv, limit = number("SHIM_SESSIONS");
	if (fault("C_OpenSession", &rv))
		return rv;
	if (__atomic_add_fetch(&sessions, 1, __ATOMIC_SEQ_CST) > (long)limit && limit) {
		__atomic_sub_fetch(&sessions, 1, __ATOMIC_SEQ_CST);
		return 0xB1;
	}
	rv = behind->f[12](a, b, c, d, e, f, g, h);
	if (rv)
		__atomic_sub_fetch(&sessions, 1, __ATOMIC_SEQ_CST);
	return rv;
}

static word closed(word a, word b, word c, word d, word e, word f, word g, word h)
{
	__atomic_sub_fetch(&sessions, 1, __ATOMIC_SEQ_CST);
	return behind->f[13](a, b, c, d, e, f, g, h);
}

word C_GetFunctionList(struct list **out)
{
	void *library = dlopen(getenv("SHIM_MODULE"), RTLD_NOW | RTLD_LOCAL);
	word (*get)(struct list **);
	if (!library || !(get = (word (*)(struct list **))dlsym(library, "C_GetFunctionList")) || get(&behind))
		return 5;
	mine = *behind;
	mine.f[1] = finalize, mine.f[4] = C_GetSlotList_, mine.f[6] = token, mine.f[12] = opened, mine.f[13] = closed;
	mine.f[7] = C_GetMechanismList_, mine.f[8] = C_GetMechanismInfo_, mine.f[15] = C_GetSessionInfo_, mine.f[18] = C_Login_, mine.f[20] = C_CreateObject_, mine.f[21] = C_CopyObject_;
	mine.f[22] = C_DestroyObject_, mine.f[26] = C_FindObjectsInit_, mine.f[28] = C_FindObjectsFinal_, mine.f[33] = C_DecryptInit_, mine.f[34] = C_Decrypt_;
	mine.f[37] = C_DigestInit_, mine.f[39] = C_DigestUpdate_, mine.f[42] = C_SignInit_, mine.f[43] = C_Sign_;
	mine.f[44] = C_SignUpdate_, mine.f[45] = C_SignFinal_, mine.f[48] = C_VerifyInit_, mine.f[58] = C_GenerateKey_;
	mine.f[62] = C_DeriveKey_;
	*out = &mine;
	return 0;
}
