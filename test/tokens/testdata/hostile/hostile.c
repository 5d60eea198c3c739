/* A PKCS #11 module that forwards every call to another module, except where it is told to misbehave.
 *
 *   HOSTILE_MODULE    the other module's file
 *   HOSTILE_COMMANDS  the file of commands; it is read again at each call, so that behaviour changes while a process runs
 *   HOSTILE_LOG       the file to which calls are appended, if any
 *   HOSTILE_LOG_ALL   1: every call is, and not only those that logged() lists
 *
 * A command is a line: a function or *, a behaviour of the table below, and how many times it applies, if not for ever. The first
 * line that fits a call counts. A line "generation N" tells two files of commands apart. How often lines were applied is kept in
 * the file HOSTILE_COMMANDS with ".used" behind it, so that it outlives a process that a command has ended. What is wrong with the
 * files ends the process with status 4. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pkcs11.h"

enum reach { ITSELF = -1, GENERAL, SLOT, SESSION };
enum act { FORWARD_IT, SLEEP, CRASH, EXIT, SLOW, ANSWER, FORGET, LENGTH, HUGE, GARBAGE };

/* A behaviour. With * it reaches functions that need as much as reach says, or only one. */
struct behaviour {
	const char *name;
	enum act act;
	CK_RV answer;
	enum reach reach;
	const char *only;
};

static const struct behaviour behaviours[] = {
	{"sleep", SLEEP, 0, GENERAL, NULL},     /* never returns */
	{"crash", CRASH, 0, GENERAL, NULL},     /* touches memory that is not there */
	{"exit", EXIT, 0, GENERAL, NULL},       /* ends the process with status 3 */
	{"slow", SLOW, 0, GENERAL, NULL},       /* takes 25 ms more */
	{"forget", FORGET, 0, GENERAL, NULL},   /* finds no object and knows no handle of one */
	{"length", LENGTH, 0, GENERAL, NULL},   /* says that there is one byte more than the buffer holds */
	{"huge", HUGE, 0, GENERAL, NULL},       /* says that there is a tebibyte, asked for the length too */
	{"garbage", GARBAGE, 0, GENERAL, NULL}, /* succeeds, with random lengths, handles and contents */
	{"general-error", ANSWER, CKR_GENERAL_ERROR, GENERAL, NULL},
	{"function-failed", ANSWER, CKR_FUNCTION_FAILED, GENERAL, NULL},
	{"device-removed", ANSWER, CKR_DEVICE_REMOVED, SLOT, NULL},
	{"token-absent", ANSWER, CKR_TOKEN_NOT_PRESENT, SLOT, NULL},
	{"session-lost", ANSWER, CKR_SESSION_HANDLE_INVALID, SESSION, NULL},
	{"session-leak", ANSWER, CKR_OK, SESSION, "C_CloseSession"}, /* claims to have done it */
	{"session-count", ANSWER, CKR_SESSION_COUNT, SLOT, "C_OpenSession"},
	{"pin-incorrect", ANSWER, CKR_PIN_INCORRECT, SESSION, "C_Login"},
	{"pin-locked", ANSWER, CKR_PIN_LOCKED, SESSION, "C_Login"},
};

/* Where a function gives its results. */
struct output {
	void *bytes;                /* buffer of room units; NULL if only the length is asked for */
	CK_ULONG *length, room, unit;
	int found;                  /* it is a search */
	CK_ATTRIBUTE *attributes;
	CK_ULONG count;
	CK_ULONG *numbers[2];
	void *record;
	CK_ULONG size;
};

#define NOTHING {0}
#define BYTES(b, n) {.bytes = b, .length = n, .room = n ? *n : 0, .unit = 1}
#define NUMBERS(b, n) {.bytes = b, .length = n, .room = n ? *n : 0, .unit = sizeof(CK_ULONG)}
#define FOUND(b, most, n) {.bytes = b, .length = n, .room = most, .unit = sizeof(CK_ULONG), .found = 1}
#define ATTRIBUTES(t, n) {.attributes = t, .count = n}
#define NUMBER(a) {.numbers = {a}}
#define HANDLES(a, b) {.numbers = {a, b}}
#define RECORD(p) {.record = p, .size = sizeof *p}

#define MOST_ATTRIBUTES 32

/* One call, and what becomes of it. */
struct call {
	const char *name;
	enum reach reach;
	CK_RV forgotten;
	struct output output;
	CK_ULONG rooms[MOST_ATTRIBUTES]; /* of the attributes' buffers */
	enum act act;
	CK_RV answer;
};

static pthread_once_t loading = PTHREAD_ONCE_INIT;
static CK_FUNCTION_LIST *module;
static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;
static _Atomic CK_ULONG drawn = 1;

static void broken(const char *what, const char *name) {
	dprintf(2, "hostile: %s %s: %m\n", what, name);
	_exit(4);
}

static void load(void) {
	const char *file = getenv("HOSTILE_MODULE");
	void *library = dlopen(file ? file : "HOSTILE_MODULE is not set", RTLD_NOW | RTLD_LOCAL);
	CK_RV (*list)(CK_FUNCTION_LIST **) = library ? (CK_RV(*)(CK_FUNCTION_LIST **))dlsym(library, "C_GetFunctionList") : NULL;
	if (!list || list(&module) != CKR_OK)
		dprintf(2, "hostile: no module behind this one: %s\n", dlerror());
}

/* append adds a line to a file, whole and behind all others (open(2), O_APPEND). The file has to be there. */
static void append(const char *file, const char *format, ...) {
	char line[128];
	va_list values;
	va_start(values, format);
	int n = vsnprintf(line, sizeof line, format, values);
	va_end(values);
	int fd = open(file, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0 || write(fd, line, n) != n)
		broken("append to", file);
	close(fd);
}

/* contents gives a file as a string, which the caller frees; an empty one if there is no file. */
static char *contents(const char *file) {
	size_t room = 1 << 16, n = 0;
	char *text = malloc(room);
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	for (ssize_t got; text && fd >= 0 && (got = read(fd, text + n, room - n - 1)) > 0;) {
		n += got;
		if (n == room - 1)
			text = realloc(text, room *= 2);
	}
	if (!text)
		broken("read", file);
	if (fd >= 0)
		close(fd);
	text[n] = 0;
	return text;
}

/* uses tells how often a line of this generation was applied. */
static long uses(const char *file, long generation, int line) {
	char *text = contents(file), *left = text;
	long n = 0;
	for (char *each; (each = strsep(&left, "\n"));) {
		long g;
		int l;
		n += sscanf(each, "%ld %d", &g, &l) == 2 && g == generation && l == line;
	}
	free(text);
	return n;
}

static void behaviour(const char *name, struct behaviour *b) {
	for (size_t i = 0; i < sizeof behaviours / sizeof *behaviours; i++)
		if (!strcmp(behaviours[i].name, name)) {
			*b = behaviours[i];
			return;
		}
	if (strncmp(name, "0x", 2))
		broken("no such behaviour as", name);
	*b = (struct behaviour){name, ANSWER, strtoul(name, NULL, 16), GENERAL, NULL};
}

/* possible tells whether a call has what a behaviour is about. */
static int possible(const struct call *c, enum act act) {
	const struct output *o = &c->output;
	switch (act) {
	case FORGET:
		return c->forgotten || o->found;
	case LENGTH:
		for (CK_ULONG i = 0; i < o->count; i++)
			if (o->attributes[i].value)
				return 1;
		return o->length && o->bytes;
	case HUGE:
		return o->length || o->count;
	default:
		return 1;
	}
}

static int fits(const struct call *c, const char *function, const struct behaviour *b) {
	if (!strcmp(function, "*")) {
		if (c->reach < b->reach || (b->only && strcmp(b->only, c->name)))
			return 0;
	} else if (strcmp(function, c->name))
		return 0;
	return possible(c, b->act);
}

/* decide finds the command for a call. */
static void decide(struct call *c) {
	const char *file = getenv("HOSTILE_COMMANDS");
	char used[4096];
	if (!file)
		return;
	snprintf(used, sizeof used, "%s.used", file);
	pthread_mutex_lock(&counting);
	char *text = contents(file), *left = text;
	long generation = 0;
	int line = 0;
	for (char *each; c->act == FORWARD_IT && (each = strsep(&left, "\n")); line++) {
		char function[64], name[64];
		long count = -1;
		struct behaviour b;
		if (sscanf(each, "generation %ld", &generation) == 1 || sscanf(each, "%63s %63s %ld", function, name, &count) < 2)
			continue;
		behaviour(name, &b);
		if (!fits(c, function, &b) || (count >= 0 && uses(used, generation, line) >= count))
			continue;
		if (count >= 0)
			append(used, "%ld %d\n", generation, line);
		c->act = b.act;
		c->answer = b.answer;
	}
	free(text);
	pthread_mutex_unlock(&counting);
}

/* logged tells whether calls of a function are logged even without HOSTILE_LOG_ALL; of these the other module's answer is as well. */
static int logged(const char *name) {
	static const char *const names[] = {"C_Initialize", "C_Finalize", "C_OpenSession", "C_CloseSession", "C_CloseAllSessions",
		"C_Login", "C_FindObjectsInit"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(names[i], name))
			return 1;
	return 0;
}

static void record(const char *name) {
	const char *file = getenv("HOSTILE_LOG"), *all = getenv("HOSTILE_LOG_ALL");
	if (file && (logged(name) || (all && !strcmp(all, "1"))))
		append(file, "%s\n", name);
}

/* number gives one of those that break things: around the room that there is, around the width of numbers. */
static CK_ULONG number(CK_ULONG room) {
	CK_ULONG z = atomic_fetch_add(&drawn, 0x9E3779B97F4A7C15UL);
	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9UL;
	const CK_ULONG all[] = {0, 1, room / 2, room, room + 1, 1UL << 31, 1UL << 32, 1UL << 63, ~0UL, z};
	return all[(z >> 32) % (sizeof all / sizeof *all)];
}

static void fill(void *at, CK_ULONG n) {
	for (CK_ULONG i = 0; at && i < n; i++)
		((CK_BYTE *)at)[i] = (CK_BYTE)number(i);
}

/* lie says another length than there is. It never writes behind a buffer. */
static CK_ULONG lie(enum act act, void *buffer, CK_ULONG is, CK_ULONG room) {
	switch (act) {
	case LENGTH:
		return buffer ? room + 1 : is;
	case HUGE:
		return 1UL << 40;
	default:
		return number(buffer ? room : is);
	}
}

/* spoil makes of a call's results what its behaviour wants. */
static CK_RV spoil(struct call *c, CK_RV answer) {
	struct output *o = &c->output;
	if (c->act < LENGTH || (answer != CKR_OK && c->act != GARBAGE))
		return answer;
	if (c->act == GARBAGE) {
		fill(o->record, o->size);
		fill(o->bytes, o->room * o->unit);
		for (int i = 0; i < 2; i++)
			if (o->numbers[i])
				*o->numbers[i] = number(*o->numbers[i]);
	}
	if (o->length)
		*o->length = lie(c->act, o->bytes, *o->length, o->room);
	for (CK_ULONG i = 0; i < o->count && i < MOST_ATTRIBUTES; i++) {
		CK_ATTRIBUTE *a = &o->attributes[i];
		if (c->act == GARBAGE)
			fill(a->value, c->rooms[i]);
		a->length = lie(c->act, a->value, a->length, c->rooms[i]);
	}
	return CKR_OK;
}

/* rest lets time pass, whatever signals come. */
static void rest(long seconds, long nanoseconds) {
	struct timespec left = {seconds, nanoseconds};
	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

/* enter logs a call and does what is to be done before it. It tells whether the call goes on to the other module. */
static int enter(struct call *c) {
	record(c->name);
	for (CK_ULONG i = 0; i < c->output.count && i < MOST_ATTRIBUTES; i++)
		c->rooms[i] = c->output.attributes[i].length;
	decide(c);
	switch (c->act) {
	case SLEEP:
		for (;;)
			rest(3600, 0);
	case CRASH:
		*(volatile int *)8 = 0;
		break;
	case EXIT:
		_exit(3);
	case SLOW:
		rest(0, 25000000);
		break;
	case FORGET:
		c->answer = c->forgotten;
		if (c->output.found)
			*c->output.length = 0;
		return 0;
	case ANSWER:
		return 0;
	default:
		break;
	}
	return 1;
}

/* leave logs the other module's answer, and gives this one's. */
static CK_RV leave(struct call *c, CK_RV answer) {
	const char *file = getenv("HOSTILE_LOG");
	if (file && logged(c->name))
		append(file, "%s 0x%08lx\n", c->name, answer);
	return spoil(c, answer);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list);

#define OWN(name, parameters)
#define FORWARD(function, needs, gone, out, parameters, arguments)                                  \
	static CK_RV forward_##function parameters {                                                \
		struct call c = {.name = #function, .reach = needs, .forgotten = gone, .output = out}; \
		return enter(&c) ? leave(&c, module->function arguments) : c.answer;                \
	}
#include "functions.h"
#undef OWN
#undef FORWARD

#define OWN(name, parameters) .name = name,
#define FORWARD(function, needs, gone, out, parameters, arguments) .function = forward_##function,
static CK_FUNCTION_LIST functions = {
	.version = {2, 40},
#include "functions.h"
};

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list) {
	struct call c = {.name = "C_GetFunctionList", .reach = ITSELF};
	if (!enter(&c))
		return c.answer;
	if (!list)
		return CKR_ARGUMENTS_BAD;
	pthread_once(&loading, load);
	*list = &functions;
	return module ? CKR_OK : CKR_GENERAL_ERROR;
}
