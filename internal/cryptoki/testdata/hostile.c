/* A PKCS #11 module that lies. The slot says how: a session's handle is its slot's number, and each function looks at
 * it. It writes no more than it may; what it reports is another matter. Built by hostile_test.go.
 *   -DINTERFACE  has C_GetInterface with a list of 3.0, and C_SessionCancel
 *   -DNULLS      has no functions but the first four
 *   -DNOLIST     gives no list, and says all is well
 *   -DVERSION=n  the list's major version */
#include <string.h>

typedef unsigned long ulong;
typedef unsigned char byte;
typedef struct { ulong type; void *value; ulong length; } attribute;
typedef struct { ulong type; void *parameter; ulong length; } mechanism;

#ifndef VERSION
#define VERSION 2
#endif

enum { GENERAL_ERROR = 5, SENSITIVE = 0x11, TYPE_INVALID = 0x12, NOT_INITIALIZED = 0x91, TOO_SMALL = 0x150 };

/* The ways to lie. */
enum {
	HONEST = 1,   /* not at all */
	OVERLONG,     /* lengths and counts somewhat beyond the buffer */
	ENORMOUS,     /* lengths and counts of all ones */
	NEVER_ENOUGH, /* wants one more byte each time */
	WANTS_ALL,    /* wants a terabyte */
	WANTS_LESS,   /* refuses a buffer and wants a smaller one */
	NO_HANDLES,   /* succeeds without handles */
	FAILS_LATE,   /* writes output, then fails */
	GROWS,        /* wants 300 bytes, then writes them */
	OWN_IV,       /* draws its own IV */
	NO_SESSION,   /* gives session handle 0 */
	GREW,         /* attributes that are longer when read than when asked about */
};

static ulong active; /* what Cancel has to end */

static ulong output(ulong how, byte *out, ulong *length)
{
	ulong room = *length;
	switch (how) {
	case OVERLONG: *length = room + 4032; return 0;
	case ENORMOUS: *length = ~0UL; return 0;
	case NEVER_ENOUGH: *length = room + 1; return TOO_SMALL;
	case WANTS_ALL: *length = 1UL << 40; return TOO_SMALL;
	case WANTS_LESS: *length = room / 2; return TOO_SMALL;
	case FAILS_LATE: memset(out, 0xAB, room); *length = room; return GENERAL_ERROR;
	case GROWS:
		*length = 300;
		if (room < 300)
			return TOO_SMALL;
		memset(out, 0xCD, 300);
		return 0;
	}
	*length = room < 64 ? room : 64;
	memset(out, 0xAB, *length);
	return 0;
}

static ulong make(ulong how, ulong *handle)
{
	*handle = how == NO_HANDLES ? 0 : 7;
	return 0;
}

static ulong none(void) { return 0; }

static ulong getInfo(byte *info)
{
	memset(info, ' ', 88);
	info[0] = 2, info[1] = 40;
	memcpy(info + 2, "caf\xc3\xa9 \xff\x1b[31m\xe2\x80\xae", 15);
	memset(info + 48, 'x', 32);
	memcpy(info + 52, "\0hidden", 7);
	info[80] = 9, info[81] = 1;
	return 0;
}

static ulong getSlotList(byte present, ulong *list, ulong *count)
{
	if (present)
		*count = 1UL << 60;
	else if (!list)
		*count = 3;
	else
		*count = 5;
	return 0;
}

static ulong getTokenInfo(ulong slot, byte *info)
{
	memset(info, 0xff, 208);
	return 0;
}

static ulong getMechanismList(ulong slot, ulong *list, ulong *count)
{
	switch (slot) {
	case ENORMOUS: *count = ~0UL; return 0;
	case NEVER_ENOUGH: *count += 2; return list ? TOO_SMALL : 0;
	case OVERLONG: *count = list ? 100 : 2; return 0;
	}
	if (list)
		list[0] = 0x1041, list[1] = 0x1087;
	*count = 2;
	return 0;
}

static ulong openSession(ulong slot, ulong flags, void *application, void *notify, ulong *session)
{
	*session = slot == NO_SESSION ? 0 : slot;
	active = 0;
	return 0;
}

static ulong getAttributes(ulong session, ulong object, attribute *list, ulong count)
{
	for (ulong i = 0; i < count; i++) {
		int asked = !list[i].value;
		switch (session) {
		case OVERLONG: list[i].length = asked ? 8 : 4096; break;
		case ENORMOUS: list[i].length = ~0UL - 1; break;
		case NEVER_ENOUGH: list[i].length = 1 << 19; break;
		case GREW:
			if (!asked)
				return TOO_SMALL;
			list[i].length = 8;
			break;
		default:
			if (!asked)
				memset(list[i].value, 0x5a, list[i].length);
			list[i].length = list[i].type == 0x11 ? ~0UL : list[i].type == 0x102 ? 0 : 8;
			if (session == FAILS_LATE && !asked)
				list[i].value = (void *)0x10, list[i].type = 99;
		}
	}
	return session == HONEST && count > 2 ? SENSITIVE : 0;
}

static ulong findObjects(ulong session, ulong *list, ulong room, ulong *count)
{
	*count = session == OVERLONG ? room + 1 : session == ENORMOUS ? ~0UL : room;
	for (ulong i = 0; i < room; i++)
		list[i] = session == NO_HANDLES ? 0 : 7;
	return 0;
}

static ulong createObject(ulong session, attribute *list, ulong count, ulong *object) { return make(session, object); }

static ulong copyObject(ulong session, ulong from, attribute *list, ulong count, ulong *object)
{
	return make(session, object);
}

static ulong generateKey(ulong session, mechanism *m, attribute *list, ulong count, ulong *key)
{
	return make(session, key);
}

static ulong generateKeyPair(ulong session, mechanism *m, attribute *one, ulong ones, attribute *two, ulong twos,
	ulong *public, ulong *private)
{
	*public = 6;
	return make(session, private);
}

static ulong deriveKey(ulong session, mechanism *m, ulong base, attribute *list, ulong count, ulong *key)
{
	return make(session, key);
}

static ulong begin(ulong session, mechanism *m, ulong key)
{
	active = 1;
	if (session == OWN_IV && m->type == 0x1087) {
		void **parameter = m->parameter;
		memset(parameter[0], 0x77, 12);
		parameter[0] = (void *)0x10; /* must not matter */
	}
	return 0;
}

static ulong run(ulong session, byte *in, ulong size, byte *out, ulong *length)
{
	return output(session, out, length);
}

static ulong final(ulong session, byte *out, ulong *length)
{
	if (session == HONEST && !active)
		return NOT_INITIALIZED;
	active = 0;
	return output(session, out, length);
}

static ulong verifyFinal(ulong session, byte *signature, ulong size)
{
	return final(session, signature, &size);
}

static ulong generateRandom(ulong session, byte *out, ulong size)
{
	memset(out, 0xAB, size);
	return session == FAILS_LATE ? GENERAL_ERROR : 0;
}

static ulong sessionCancel(ulong session, ulong flags)
{
	if (session == OVERLONG)
		return 0x202;
	active = 0;
	return 0;
}

static struct { byte version[2]; void *functions[72]; } list;

static void *fill(void)
{
	void **f = list.functions;
	list.version[0] = VERSION, list.version[1] = 0;
	for (int i = 0; i < 72; i++)
		f[i] = none;
	f[2] = getInfo, f[4] = getSlotList, f[6] = getTokenInfo, f[7] = getMechanismList;
	f[12] = openSession, f[20] = createObject, f[21] = copyObject, f[24] = getAttributes, f[27] = findObjects;
	f[29] = f[33] = f[37] = f[42] = f[48] = begin;
	f[30] = f[31] = f[34] = f[35] = f[38] = f[43] = run;
	f[32] = f[36] = f[41] = f[45] = final;
	f[51] = verifyFinal;
	f[58] = generateKey, f[59] = generateKeyPair, f[62] = deriveKey, f[64] = generateRandom, f[71] = sessionCancel;
#ifdef NULLS
	memset(f + 4, 0, 68 * sizeof *f);
	f[12] = openSession;
#endif
	return &list;
}

ulong C_GetFunctionList(void **out)
{
	*out = fill();
#ifdef NOLIST
	*out = 0;
#endif
	return 0;
}

#ifdef INTERFACE
ulong C_GetInterface(byte *name, byte *version, void ***out, ulong flags)
{
	static void *interface[3];
	if (strcmp((char *)name, "PKCS 11"))
		return 7;
	interface[0] = name;
	interface[1] = fill();
	*out = interface;
	return 0;
}
#endif
