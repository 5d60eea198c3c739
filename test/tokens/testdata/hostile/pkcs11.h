/* What the modules and programs for tests need of PKCS #11 2.40, in the standard's layout on Unix: natural alignment, and a
 * CK_ULONG is an unsigned long (PKCS #11 Base Specification 2.40, sections 2 and 3). Names of members are our own. */
#ifndef PKCS11_H
#define PKCS11_H

typedef unsigned char CK_BYTE;
typedef unsigned long CK_ULONG;
typedef CK_ULONG CK_RV;

typedef struct { CK_BYTE major, minor; } CK_VERSION;

typedef struct {
	CK_VERSION cryptoki;
	CK_BYTE manufacturer[32];
	CK_ULONG flags;
	CK_BYTE description[32];
	CK_VERSION library;
} CK_INFO;

typedef struct {
	CK_BYTE description[64], manufacturer[32];
	CK_ULONG flags;
	CK_VERSION hardware, firmware;
} CK_SLOT_INFO;

typedef struct {
	CK_BYTE label[32], manufacturer[32], model[16], serial[16];
	CK_ULONG flags, max_sessions, sessions, max_rw_sessions, rw_sessions, max_pin, min_pin;
	CK_ULONG total_public, free_public, total_private, free_private;
	CK_VERSION hardware, firmware;
	CK_BYTE utc_time[16];
} CK_TOKEN_INFO;

typedef struct { CK_ULONG slot, state, flags, device_error; } CK_SESSION_INFO;
typedef struct { CK_ULONG min_key, max_key, flags; } CK_MECHANISM_INFO;
typedef struct { CK_ULONG type; void *parameter; CK_ULONG length; } CK_MECHANISM;
typedef struct { CK_ULONG type; void *value; CK_ULONG length; } CK_ATTRIBUTE;
typedef CK_RV (*CK_NOTIFY)(CK_ULONG session, CK_ULONG event, void *application);

typedef struct CK_FUNCTION_LIST CK_FUNCTION_LIST;

#define OWN(name, parameters) CK_RV (*name) parameters;
#define FORWARD(name, reach, forgotten, output, parameters, arguments) CK_RV (*name) parameters;
struct CK_FUNCTION_LIST {
	CK_VERSION version;
#include "functions.h"
};
#undef OWN
#undef FORWARD

#define CKR_OK                    0x000UL
#define CKR_GENERAL_ERROR         0x005UL
#define CKR_FUNCTION_FAILED       0x006UL
#define CKR_ARGUMENTS_BAD         0x007UL
#define CKR_DEVICE_REMOVED        0x032UL
#define CKR_KEY_HANDLE_INVALID    0x060UL
#define CKR_OBJECT_HANDLE_INVALID 0x082UL
#define CKR_PIN_INCORRECT         0x0A0UL
#define CKR_PIN_LOCKED            0x0A4UL
#define CKR_SESSION_COUNT         0x0B1UL
#define CKR_SESSION_HANDLE_INVALID 0x0B3UL
#define CKR_TOKEN_NOT_PRESENT     0x0E0UL

#endif
