/* wasi_crypto.h: the 86 functions of wasi-crypto for guests in C and C++, on wasm32, with or without a C library.
 *
 *     clang --target=wasm32-wasi -O2 -o guest.wasm guest.c             with wasi-libc
 *     clang --target=wasm32 -O2 -nostdlib -Wl,--no-entry,--export=...  without
 *
 * Conventions, for every function:
 * - The result is an errno, WASI_CRYPTO_ERRNO_SUCCESS (0) or why the host refused.
 * - Results are written through the pointers at the end, and only on success.
 * - A buffer or a string is an address and a length in bytes; a string has no terminator. The address of an empty one is not
 *   looked at. A pointer to const is read by the host; any other is written, up to its length.
 * - A handle stands for an object of the host until it is closed. 0 is never one. Closing twice is _CLOSED, any other use of a
 *   closed handle is _INVALID_HANDLE. What was made from an object outlives it.
 * - The host keeps no address after a call, except that of wasi_crypto_options_set_guest_buffer.
 * - An array output is asked for its length and pulled; the pull that takes the last byte closes it, and there is no
 *   other way to close one.
 *
 * A function that a program does not call is not imported. Source: WebAssembly/wasi-crypto, witx 0.10.
 */
#ifndef WASI_CRYPTO_H
#define WASI_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define WASI_CRYPTO_ASSERT(condition) static_assert(condition, #condition)
extern "C" {
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define WASI_CRYPTO_ASSERT(condition) _Static_assert(condition, #condition)
#else /* C99: an array that nobody defines or uses */
#define WASI_CRYPTO_ASSERT(condition) extern const char wasi_crypto_assertion[(condition) ? 1 : -1]
#endif

/* On other targets the header is good for editors only: there is nobody to link with. */
#ifdef __wasm32__
#define WASI_CRYPTO_IMPORT(function) __attribute__((import_module(WASI_CRYPTO_IN), import_name(#function)))
#else
#define WASI_CRYPTO_IMPORT(function)
#endif

/* ---- Numbers */

typedef uint16_t wasi_crypto_errno_t;
enum {
    WASI_CRYPTO_ERRNO_SUCCESS = 0,
    WASI_CRYPTO_ERRNO_GUEST_ERROR = 1,            /* an address or a string that the host cannot read */
    WASI_CRYPTO_ERRNO_NOT_IMPLEMENTED = 2,        /* not on this host */
    WASI_CRYPTO_ERRNO_UNSUPPORTED_FEATURE = 3,    /* this guest has no keeper, or its host lacks the feature */
    WASI_CRYPTO_ERRNO_PROHIBITED_OPERATION = 4,   /* the keeper refused: export, a right that was not given */
    WASI_CRYPTO_ERRNO_UNSUPPORTED_ENCODING = 5,   /* the key or signature has no such form */
    WASI_CRYPTO_ERRNO_UNSUPPORTED_ALGORITHM = 6,  /* no algorithm of that name and family */
    WASI_CRYPTO_ERRNO_UNSUPPORTED_OPTION = 7,     /* no option of that name */
    WASI_CRYPTO_ERRNO_INVALID_KEY = 8,            /* bytes that are not a key, or a key of another algorithm */
    WASI_CRYPTO_ERRNO_INVALID_LENGTH = 9,         /* an output longer than the algorithm gives */
    WASI_CRYPTO_ERRNO_VERIFICATION_FAILED = 10,   /* a signature or a sealed secret that is not genuine */
    WASI_CRYPTO_ERRNO_RNG_ERROR = 11,             /* the host has no randomness */
    WASI_CRYPTO_ERRNO_ALGORITHM_FAILURE = 12,     /* the algorithm itself failed, or the keeper cannot be reached */
    WASI_CRYPTO_ERRNO_INVALID_SIGNATURE = 13,     /* bytes that cannot be a signature of this algorithm */
    WASI_CRYPTO_ERRNO_CLOSED = 14,                /* closing what is closed */
    WASI_CRYPTO_ERRNO_INVALID_HANDLE = 15,        /* no such handle, or one of another kind */
    WASI_CRYPTO_ERRNO_OVERFLOW = 16,              /* a buffer that does not hold the result, or a limit */
    WASI_CRYPTO_ERRNO_INTERNAL_ERROR = 17,        /* a fault of the host */
    WASI_CRYPTO_ERRNO_TOO_MANY_HANDLES = 18,      /* more are open than the host allows */
    WASI_CRYPTO_ERRNO_KEY_NOT_SUPPORTED = 19,     /* a key where the algorithm takes none */
    WASI_CRYPTO_ERRNO_KEY_REQUIRED = 20,          /* no key where the algorithm takes one */
    WASI_CRYPTO_ERRNO_INVALID_TAG = 21,           /* an authentication tag that does not fit */
    WASI_CRYPTO_ERRNO_INVALID_OPERATION = 22,     /* what this algorithm does not do */
    WASI_CRYPTO_ERRNO_NONCE_REQUIRED = 23,        /* no nonce, and one drawn at random would not be safe */
    WASI_CRYPTO_ERRNO_INVALID_NONCE = 24,         /* a nonce of the wrong length */
    WASI_CRYPTO_ERRNO_OPTION_NOT_SET = 25,        /* an option that nobody set */
    WASI_CRYPTO_ERRNO_NOT_FOUND = 26,             /* no such identifier or version */
    WASI_CRYPTO_ERRNO_PARAMETERS_MISSING = 27,    /* an option that the algorithm needs */
    WASI_CRYPTO_ERRNO_IN_PROGRESS = 28,           /* not ready: call again */
    WASI_CRYPTO_ERRNO_INCOMPATIBLE_KEYS = 29,     /* two keys that do not belong together */
    WASI_CRYPTO_ERRNO_EXPIRED = 30                /* past its time */
};

typedef uint16_t wasi_crypto_algorithm_type_t;
enum {
    WASI_CRYPTO_ALGORITHM_TYPE_SIGNATURES = 0,
    WASI_CRYPTO_ALGORITHM_TYPE_SYMMETRIC = 1,
    WASI_CRYPTO_ALGORITHM_TYPE_KEY_EXCHANGE = 2
};

typedef uint16_t wasi_crypto_keypair_encoding_t;
enum {
    WASI_CRYPTO_KEYPAIR_ENCODING_RAW = 0,
    WASI_CRYPTO_KEYPAIR_ENCODING_PKCS8 = 1,
    WASI_CRYPTO_KEYPAIR_ENCODING_PEM = 2,
    WASI_CRYPTO_KEYPAIR_ENCODING_LOCAL = 3
};

/* 4 was compressed_sec in 2020 and is local since 2022; Claviger takes 4 and 5 for the same bytes. */
typedef uint16_t wasi_crypto_publickey_encoding_t;
enum {
    WASI_CRYPTO_PUBLICKEY_ENCODING_RAW = 0,
    WASI_CRYPTO_PUBLICKEY_ENCODING_PKCS8 = 1,
    WASI_CRYPTO_PUBLICKEY_ENCODING_PEM = 2,
    WASI_CRYPTO_PUBLICKEY_ENCODING_SEC = 3,
    WASI_CRYPTO_PUBLICKEY_ENCODING_LOCAL = 4,
    WASI_CRYPTO_PUBLICKEY_ENCODING_COMPRESSED_SEC = 5
};

typedef uint16_t wasi_crypto_secretkey_encoding_t;
enum {
    WASI_CRYPTO_SECRETKEY_ENCODING_RAW = 0,
    WASI_CRYPTO_SECRETKEY_ENCODING_PKCS8 = 1,
    WASI_CRYPTO_SECRETKEY_ENCODING_PEM = 2,
    WASI_CRYPTO_SECRETKEY_ENCODING_SEC = 3,
    WASI_CRYPTO_SECRETKEY_ENCODING_LOCAL = 4,
    WASI_CRYPTO_SECRETKEY_ENCODING_COMPRESSED_SEC = 5
};

typedef uint16_t wasi_crypto_signature_encoding_t;
enum {
    WASI_CRYPTO_SIGNATURE_ENCODING_RAW = 0, /* r and s of fixed length for ECDSA */
    WASI_CRYPTO_SIGNATURE_ENCODING_DER = 1
};

typedef uint64_t wasi_crypto_version_t;
#define WASI_CRYPTO_VERSION_UNSPECIFIED UINT64_C(0xff00000000000000) /* of a key that is not managed */
#define WASI_CRYPTO_VERSION_LATEST UINT64_C(0xff00000000000001)
#define WASI_CRYPTO_VERSION_ALL UINT64_C(0xff00000000000002) /* only to invalidate */

typedef uint64_t wasi_crypto_timestamp_t; /* seconds since 1970 */

#define WASI_CRYPTO_ID_LEN 32 /* characters of an identifier on Claviger; a longer buffer is filled with zero bytes */

/* ---- Handles */

typedef uint32_t wasi_crypto_options_t;
typedef uint32_t wasi_crypto_array_output_t;
typedef uint32_t wasi_crypto_secrets_manager_t;
typedef uint32_t wasi_crypto_keypair_t;
typedef uint32_t wasi_crypto_publickey_t;
typedef uint32_t wasi_crypto_secretkey_t;
typedef uint32_t wasi_crypto_signature_t; /* accepted as an array output of the raw signature too */
typedef uint32_t wasi_crypto_signature_state_t;
typedef uint32_t wasi_crypto_signature_verification_state_t;
typedef uint32_t wasi_crypto_symmetric_key_t;
typedef uint32_t wasi_crypto_symmetric_state_t;
typedef uint32_t wasi_crypto_symmetric_tag_t;

/* ---- Records */

/* Objects that may be left out. They are passed by address. Only tag is read when it is NONE. */
enum { WASI_CRYPTO_SOME = 0, WASI_CRYPTO_NONE = 1 };

typedef struct {
    uint8_t tag;
    wasi_crypto_options_t handle;
} wasi_crypto_opt_options_t;

typedef struct {
    uint8_t tag;
    wasi_crypto_symmetric_key_t handle;
} wasi_crypto_opt_symmetric_key_t;

/* What the batch functions take and give: arrays of count records, one result for each. */
typedef struct {
    wasi_crypto_symmetric_state_t state;
    void *out;
    size_t out_len;
} wasi_crypto_squeeze_record_t;

typedef struct {
    wasi_crypto_symmetric_state_t state;
    void *out;
    size_t out_len;
    const void *data;
    size_t data_len;
} wasi_crypto_crypt_record_t;

typedef struct {
    wasi_crypto_symmetric_state_t state;
    void *out;
    size_t out_len;
    const void *data;
    size_t data_len;
    const void *raw_tag;
    size_t raw_tag_len;
} wasi_crypto_open_record_t;

typedef struct {
    wasi_crypto_signature_verification_state_t state;
    wasi_crypto_signature_t signature;
} wasi_crypto_verify_record_t;

/* value is a length or a handle, and means nothing unless code is 0. */
typedef struct {
    uint32_t value;
    wasi_crypto_errno_t code;
} wasi_crypto_result_t;

WASI_CRYPTO_ASSERT(sizeof(wasi_crypto_errno_t) == 2);
WASI_CRYPTO_ASSERT(sizeof(wasi_crypto_opt_options_t) == 8);
WASI_CRYPTO_ASSERT(offsetof(wasi_crypto_opt_options_t, handle) == 4);
WASI_CRYPTO_ASSERT(sizeof(wasi_crypto_opt_symmetric_key_t) == 8);
WASI_CRYPTO_ASSERT(offsetof(wasi_crypto_opt_symmetric_key_t, handle) == 4);
WASI_CRYPTO_ASSERT(sizeof(wasi_crypto_verify_record_t) == 8);
WASI_CRYPTO_ASSERT(offsetof(wasi_crypto_verify_record_t, signature) == 4);
WASI_CRYPTO_ASSERT(sizeof(wasi_crypto_result_t) == 8);
WASI_CRYPTO_ASSERT(offsetof(wasi_crypto_result_t, code) == 4);
#ifdef __wasm32__
struct wasi_crypto_alignments {
    char a;
    wasi_crypto_opt_options_t options;
};
WASI_CRYPTO_ASSERT(offsetof(struct wasi_crypto_alignments, options) == 4);
WASI_CRYPTO_ASSERT(sizeof(size_t) == 4 && sizeof(void *) == 4);
WASI_CRYPTO_ASSERT(sizeof(wasi_crypto_squeeze_record_t) == 12);
WASI_CRYPTO_ASSERT(offsetof(wasi_crypto_squeeze_record_t, out_len) == 8);
WASI_CRYPTO_ASSERT(sizeof(wasi_crypto_crypt_record_t) == 20);
WASI_CRYPTO_ASSERT(offsetof(wasi_crypto_crypt_record_t, data_len) == 16);
WASI_CRYPTO_ASSERT(sizeof(wasi_crypto_open_record_t) == 28);
WASI_CRYPTO_ASSERT(offsetof(wasi_crypto_open_record_t, raw_tag) == 20);
#endif

static inline wasi_crypto_opt_options_t wasi_crypto_some_options(wasi_crypto_options_t options) {
    wasi_crypto_opt_options_t o = {WASI_CRYPTO_SOME, options};
    return o;
}

static inline wasi_crypto_opt_options_t wasi_crypto_no_options(void) {
    wasi_crypto_opt_options_t o = {WASI_CRYPTO_NONE, 0};
    return o;
}

static inline wasi_crypto_opt_symmetric_key_t wasi_crypto_some_key(wasi_crypto_symmetric_key_t key) {
    wasi_crypto_opt_symmetric_key_t k = {WASI_CRYPTO_SOME, key};
    return k;
}

static inline wasi_crypto_opt_symmetric_key_t wasi_crypto_no_key(void) {
    wasi_crypto_opt_symmetric_key_t k = {WASI_CRYPTO_NONE, 0};
    return k;
}

/* ---- Module wasi_ephemeral_crypto_common: options, array outputs and the secrets manager. */

#define WASI_CRYPTO_IN "wasi_ephemeral_crypto_common"

/* wasi_crypto_options_open makes an empty set of options for one family of algorithms. The guest closes it. */
WASI_CRYPTO_IMPORT(options_open)
wasi_crypto_errno_t wasi_crypto_options_open(
    wasi_crypto_algorithm_type_t algorithm_type, wasi_crypto_options_t *options);

/* wasi_crypto_options_close ends a set of options. What was opened with it keeps its own copy. */
WASI_CRYPTO_IMPORT(options_close)
wasi_crypto_errno_t wasi_crypto_options_close(
    wasi_crypto_options_t options);

/* wasi_crypto_options_set sets an option of bytes: "context", "salt" or "nonce". Setting it again replaces the
   value. */
WASI_CRYPTO_IMPORT(options_set)
wasi_crypto_errno_t wasi_crypto_options_set(
    wasi_crypto_options_t options, const char *name, size_t name_len, const void *value,
    size_t value_len);

/* wasi_crypto_options_set_u64 sets an option of a number: "memory_limit", "ops_limit" or "parallelism", and
   "exportable" where a managed key is made. */
WASI_CRYPTO_IMPORT(options_set_u64)
wasi_crypto_errno_t wasi_crypto_options_set_u64(
    wasi_crypto_options_t options, const char *name, size_t name_len, uint64_t value);

/* wasi_crypto_options_set_guest_buffer lends the host memory of the guest to work in: "buffer". The memory must
   stay where it is until the last state opened with these options is closed. */
WASI_CRYPTO_IMPORT(options_set_guest_buffer)
wasi_crypto_errno_t wasi_crypto_options_set_guest_buffer(
    wasi_crypto_options_t options, const char *name, size_t name_len, void *buffer, size_t buffer_len);

/* wasi_crypto_array_output_len says how many bytes an output has, those that were pulled already included. */
WASI_CRYPTO_IMPORT(array_output_len)
wasi_crypto_errno_t wasi_crypto_array_output_len(
    wasi_crypto_array_output_t array, size_t *len);

/* wasi_crypto_array_output_pull moves the next bytes of an output into the guest: the smaller of buf_len and
   what is left. The pull that takes the last byte closes the handle. */
WASI_CRYPTO_IMPORT(array_output_pull)
wasi_crypto_errno_t wasi_crypto_array_output_pull(
    wasi_crypto_array_output_t array, void *buf, size_t buf_len, size_t *len);

/* wasi_crypto_secrets_manager_open opens the keeper of managed keys and secrets. It lives on while its keys are
   used. _UNSUPPORTED_FEATURE if this guest has none, _ALGORITHM_FAILURE if it cannot be reached now. */
WASI_CRYPTO_IMPORT(secrets_manager_open)
wasi_crypto_errno_t wasi_crypto_secrets_manager_open(
    const wasi_crypto_opt_options_t *options, wasi_crypto_secrets_manager_t *manager);

/* wasi_crypto_secrets_manager_close lets go of the secrets manager. What it stored was durable before this. */
WASI_CRYPTO_IMPORT(secrets_manager_close)
wasi_crypto_errno_t wasi_crypto_secrets_manager_close(
    wasi_crypto_secrets_manager_t manager);

/* wasi_crypto_secrets_manager_invalidate ends a version of a managed key for good, or with the version "all"
   every one. */
WASI_CRYPTO_IMPORT(secrets_manager_invalidate)
wasi_crypto_errno_t wasi_crypto_secrets_manager_invalidate(
    wasi_crypto_secrets_manager_t manager, const void *key_id, size_t key_id_len,
    wasi_crypto_version_t version);

#undef WASI_CRYPTO_IN

/* ---- Module wasi_ephemeral_crypto_asymmetric_common: key pairs, public keys and secret keys. */

#define WASI_CRYPTO_IN "wasi_ephemeral_crypto_asymmetric_common"

/* wasi_crypto_keypair_generate makes a key pair. */
WASI_CRYPTO_IMPORT(keypair_generate)
wasi_crypto_errno_t wasi_crypto_keypair_generate(
    wasi_crypto_algorithm_type_t algorithm_type, const char *algorithm, size_t algorithm_len,
    const wasi_crypto_opt_options_t *options, wasi_crypto_keypair_t *pair);

/* wasi_crypto_keypair_import takes in a key pair. encoding is one of the key pair encodings. */
WASI_CRYPTO_IMPORT(keypair_import)
wasi_crypto_errno_t wasi_crypto_keypair_import(
    wasi_crypto_algorithm_type_t algorithm_type, const char *algorithm, size_t algorithm_len,
    const void *encoded, size_t encoded_len, wasi_crypto_keypair_encoding_t encoding,
    wasi_crypto_keypair_t *pair);

/* wasi_crypto_keypair_generate_managed makes a key pair that stays with its keeper. It is durable before this
   returns. The option "exportable" set to 1 lets the guest take it out again. */
WASI_CRYPTO_IMPORT(keypair_generate_managed)
wasi_crypto_errno_t wasi_crypto_keypair_generate_managed(
    wasi_crypto_secrets_manager_t manager, wasi_crypto_algorithm_type_t algorithm_type,
    const char *algorithm, size_t algorithm_len, const wasi_crypto_opt_options_t *options,
    wasi_crypto_keypair_t *pair);

/* wasi_crypto_keypair_store_managed gives a key pair to the keeper and writes its identifier, filled up with
   zero bytes. Too short a buffer stores nothing. The pair becomes managed: keypair_id tells its version. */
WASI_CRYPTO_IMPORT(keypair_store_managed)
wasi_crypto_errno_t wasi_crypto_keypair_store_managed(
    wasi_crypto_secrets_manager_t manager, wasi_crypto_keypair_t pair, void *id, size_t id_max_len);

/* wasi_crypto_keypair_replace_managed stores new_pair as the next version of old_pair and closes old_pair; its
   version stays readable. new_pair becomes managed. Both are of one algorithm. */
WASI_CRYPTO_IMPORT(keypair_replace_managed)
wasi_crypto_errno_t wasi_crypto_keypair_replace_managed(
    wasi_crypto_secrets_manager_t manager, wasi_crypto_keypair_t old_pair,
    wasi_crypto_keypair_t new_pair, wasi_crypto_version_t *version);

/* wasi_crypto_keypair_id tells identifier and version of a managed pair. For any other, length 0 and the
   version "unspecified". */
WASI_CRYPTO_IMPORT(keypair_id)
wasi_crypto_errno_t wasi_crypto_keypair_id(
    wasi_crypto_keypair_t pair, void *id, size_t id_max_len, size_t *id_len,
    wasi_crypto_version_t *version);

/* wasi_crypto_keypair_from_id opens a stored pair: an exact version, or "latest". Zero bytes at the end of the
   identifier do not count. */
WASI_CRYPTO_IMPORT(keypair_from_id)
wasi_crypto_errno_t wasi_crypto_keypair_from_id(
    wasi_crypto_secrets_manager_t manager, const void *id, size_t id_len, wasi_crypto_version_t version,
    wasi_crypto_keypair_t *pair);

/* wasi_crypto_keypair_from_pk_and_sk joins two halves that belong together. */
WASI_CRYPTO_IMPORT(keypair_from_pk_and_sk)
wasi_crypto_errno_t wasi_crypto_keypair_from_pk_and_sk(
    wasi_crypto_publickey_t public_key, wasi_crypto_secretkey_t secret_key,
    wasi_crypto_keypair_t *pair);

/* wasi_crypto_keypair_export takes a key pair out. A managed one answers prohibited_operation unless it was
   made exportable. */
WASI_CRYPTO_IMPORT(keypair_export)
wasi_crypto_errno_t wasi_crypto_keypair_export(
    wasi_crypto_keypair_t pair, wasi_crypto_keypair_encoding_t encoding,
    wasi_crypto_array_output_t *encoded);

/* wasi_crypto_keypair_publickey gives the public half. */
WASI_CRYPTO_IMPORT(keypair_publickey)
wasi_crypto_errno_t wasi_crypto_keypair_publickey(
    wasi_crypto_keypair_t pair, wasi_crypto_publickey_t *public_key);

/* wasi_crypto_keypair_secretkey gives the secret half. */
WASI_CRYPTO_IMPORT(keypair_secretkey)
wasi_crypto_errno_t wasi_crypto_keypair_secretkey(
    wasi_crypto_keypair_t pair, wasi_crypto_secretkey_t *secret_key);

/* wasi_crypto_keypair_close lets go of a key pair. What is stored stays. */
WASI_CRYPTO_IMPORT(keypair_close)
wasi_crypto_errno_t wasi_crypto_keypair_close(
    wasi_crypto_keypair_t pair);

/* wasi_crypto_publickey_import takes in a public key. encoding is one of the public key encodings. */
WASI_CRYPTO_IMPORT(publickey_import)
wasi_crypto_errno_t wasi_crypto_publickey_import(
    wasi_crypto_algorithm_type_t algorithm_type, const char *algorithm, size_t algorithm_len,
    const void *encoded, size_t encoded_len, wasi_crypto_publickey_encoding_t encoding,
    wasi_crypto_publickey_t *public_key);

/* wasi_crypto_publickey_export takes a public key out. */
WASI_CRYPTO_IMPORT(publickey_export)
wasi_crypto_errno_t wasi_crypto_publickey_export(
    wasi_crypto_publickey_t public_key, wasi_crypto_publickey_encoding_t encoding,
    wasi_crypto_array_output_t *encoded);

/* wasi_crypto_publickey_verify checks that a public key is a sound one: on its curve and not of low order. */
WASI_CRYPTO_IMPORT(publickey_verify)
wasi_crypto_errno_t wasi_crypto_publickey_verify(
    wasi_crypto_publickey_t public_key);

/* wasi_crypto_publickey_from_secretkey computes the public half of a secret key. */
WASI_CRYPTO_IMPORT(publickey_from_secretkey)
wasi_crypto_errno_t wasi_crypto_publickey_from_secretkey(
    wasi_crypto_secretkey_t secret_key, wasi_crypto_publickey_t *public_key);

/* wasi_crypto_publickey_close lets go of a public key. */
WASI_CRYPTO_IMPORT(publickey_close)
wasi_crypto_errno_t wasi_crypto_publickey_close(
    wasi_crypto_publickey_t public_key);

/* wasi_crypto_secretkey_import takes in a secret key. encoding is one of the secret key encodings. */
WASI_CRYPTO_IMPORT(secretkey_import)
wasi_crypto_errno_t wasi_crypto_secretkey_import(
    wasi_crypto_algorithm_type_t algorithm_type, const char *algorithm, size_t algorithm_len,
    const void *encoded, size_t encoded_len, wasi_crypto_secretkey_encoding_t encoding,
    wasi_crypto_secretkey_t *secret_key);

/* wasi_crypto_secretkey_export takes a secret key out, a managed one only if it was made exportable. */
WASI_CRYPTO_IMPORT(secretkey_export)
wasi_crypto_errno_t wasi_crypto_secretkey_export(
    wasi_crypto_secretkey_t secret_key, wasi_crypto_secretkey_encoding_t encoding,
    wasi_crypto_array_output_t *encoded);

/* wasi_crypto_secretkey_close lets go of a secret key. */
WASI_CRYPTO_IMPORT(secretkey_close)
wasi_crypto_errno_t wasi_crypto_secretkey_close(
    wasi_crypto_secretkey_t secret_key);

#undef WASI_CRYPTO_IN

/* ---- Module wasi_ephemeral_crypto_symmetric: symmetric keys, states and tags. */

#define WASI_CRYPTO_IN "wasi_ephemeral_crypto_symmetric"

/* wasi_crypto_symmetric_key_generate makes a key of the algorithm's own length. */
WASI_CRYPTO_IMPORT(symmetric_key_generate)
wasi_crypto_errno_t wasi_crypto_symmetric_key_generate(
    const char *algorithm, size_t algorithm_len, const wasi_crypto_opt_options_t *options,
    wasi_crypto_symmetric_key_t *key);

/* wasi_crypto_symmetric_key_import takes in a key. A wrong length is invalid_key. */
WASI_CRYPTO_IMPORT(symmetric_key_import)
wasi_crypto_errno_t wasi_crypto_symmetric_key_import(
    const char *algorithm, size_t algorithm_len, const void *raw, size_t raw_len,
    wasi_crypto_symmetric_key_t *key);

/* wasi_crypto_symmetric_key_export takes a key out, a managed one only if it was made exportable. */
WASI_CRYPTO_IMPORT(symmetric_key_export)
wasi_crypto_errno_t wasi_crypto_symmetric_key_export(
    wasi_crypto_symmetric_key_t key, wasi_crypto_array_output_t *encoded);

/* wasi_crypto_symmetric_key_close lets go of a key. What is stored stays. */
WASI_CRYPTO_IMPORT(symmetric_key_close)
wasi_crypto_errno_t wasi_crypto_symmetric_key_close(
    wasi_crypto_symmetric_key_t key);

/* wasi_crypto_symmetric_key_generate_managed makes a key that stays with its keeper. It is durable before this
   returns. The option "exportable" set to 1 lets the guest take it out again. */
WASI_CRYPTO_IMPORT(symmetric_key_generate_managed)
wasi_crypto_errno_t wasi_crypto_symmetric_key_generate_managed(
    wasi_crypto_secrets_manager_t manager, const char *algorithm, size_t algorithm_len,
    const wasi_crypto_opt_options_t *options, wasi_crypto_symmetric_key_t *key);

/* wasi_crypto_symmetric_key_store_managed gives a key to the keeper and writes its identifier, filled up with
   zero bytes. Too short a buffer stores nothing. The key becomes managed: symmetric_key_id tells its version. */
WASI_CRYPTO_IMPORT(symmetric_key_store_managed)
wasi_crypto_errno_t wasi_crypto_symmetric_key_store_managed(
    wasi_crypto_secrets_manager_t manager, wasi_crypto_symmetric_key_t key, void *id,
    size_t id_max_len);

/* wasi_crypto_symmetric_key_replace_managed stores new_key as the next version of old_key and closes old_key;
   its version stays readable. new_key becomes managed. Both are of one algorithm. */
WASI_CRYPTO_IMPORT(symmetric_key_replace_managed)
wasi_crypto_errno_t wasi_crypto_symmetric_key_replace_managed(
    wasi_crypto_secrets_manager_t manager, wasi_crypto_symmetric_key_t old_key,
    wasi_crypto_symmetric_key_t new_key, wasi_crypto_version_t *version);

/* wasi_crypto_symmetric_key_id tells identifier and version of a managed key. For any other, length 0 and the
   version "unspecified". */
WASI_CRYPTO_IMPORT(symmetric_key_id)
wasi_crypto_errno_t wasi_crypto_symmetric_key_id(
    wasi_crypto_symmetric_key_t key, void *id, size_t id_max_len, size_t *id_len,
    wasi_crypto_version_t *version);

/* wasi_crypto_symmetric_key_from_id opens a stored key: an exact version, or "latest". Zero bytes at the end of
   the identifier do not count. */
WASI_CRYPTO_IMPORT(symmetric_key_from_id)
wasi_crypto_errno_t wasi_crypto_symmetric_key_from_id(
    wasi_crypto_secrets_manager_t manager, const void *id, size_t id_len, wasi_crypto_version_t version,
    wasi_crypto_symmetric_key_t *key);

/* wasi_crypto_symmetric_state_open starts a hash, MAC, key derivation, cipher or session. The state keeps its
   own copy of key and options. */
WASI_CRYPTO_IMPORT(symmetric_state_open)
wasi_crypto_errno_t wasi_crypto_symmetric_state_open(
    const char *algorithm, size_t algorithm_len, const wasi_crypto_opt_symmetric_key_t *key,
    const wasi_crypto_opt_options_t *options, wasi_crypto_symmetric_state_t *state);

/* wasi_crypto_symmetric_state_options_get reads an option of bytes back, a nonce that the host drew included.
   */
WASI_CRYPTO_IMPORT(symmetric_state_options_get)
wasi_crypto_errno_t wasi_crypto_symmetric_state_options_get(
    wasi_crypto_symmetric_state_t state, const char *name, size_t name_len, void *value,
    size_t value_max_len, size_t *len);

/* wasi_crypto_symmetric_state_options_get_u64 reads an option of a number back. */
WASI_CRYPTO_IMPORT(symmetric_state_options_get_u64)
wasi_crypto_errno_t wasi_crypto_symmetric_state_options_get_u64(
    wasi_crypto_symmetric_state_t state, const char *name, size_t name_len, uint64_t *value);

/* wasi_crypto_symmetric_state_clone makes an independent copy of a state. */
WASI_CRYPTO_IMPORT(symmetric_state_clone)
wasi_crypto_errno_t wasi_crypto_symmetric_state_clone(
    wasi_crypto_symmetric_state_t state, wasi_crypto_symmetric_state_t *clone);

/* wasi_crypto_symmetric_state_close ends a state. */
WASI_CRYPTO_IMPORT(symmetric_state_close)
wasi_crypto_errno_t wasi_crypto_symmetric_state_close(
    wasi_crypto_symmetric_state_t state);

/* wasi_crypto_symmetric_state_absorb takes in data: the message of a hash or MAC, the salt or info of a
   derivation, the additional data of a cipher. */
WASI_CRYPTO_IMPORT(symmetric_state_absorb)
wasi_crypto_errno_t wasi_crypto_symmetric_state_absorb(
    wasi_crypto_symmetric_state_t state, const void *data, size_t data_len);

/* wasi_crypto_symmetric_state_squeeze fills out. A hash works on a copy and truncates; an extendable output
   goes on where it was. */
WASI_CRYPTO_IMPORT(symmetric_state_squeeze)
wasi_crypto_errno_t wasi_crypto_symmetric_state_squeeze(
    wasi_crypto_symmetric_state_t state, void *out, size_t out_len);

/* wasi_crypto_symmetric_state_squeeze_tag gives the authentication tag of what was absorbed. */
WASI_CRYPTO_IMPORT(symmetric_state_squeeze_tag)
wasi_crypto_errno_t wasi_crypto_symmetric_state_squeeze_tag(
    wasi_crypto_symmetric_state_t state, wasi_crypto_symmetric_tag_t *tag);

/* wasi_crypto_symmetric_state_squeeze_key derives a key for the named algorithm. */
WASI_CRYPTO_IMPORT(symmetric_state_squeeze_key)
wasi_crypto_errno_t wasi_crypto_symmetric_state_squeeze_key(
    wasi_crypto_symmetric_state_t state, const char *algorithm, size_t algorithm_len,
    wasi_crypto_symmetric_key_t *key);

/* wasi_crypto_symmetric_state_max_tag_len says how many bytes encryption adds. */
WASI_CRYPTO_IMPORT(symmetric_state_max_tag_len)
wasi_crypto_errno_t wasi_crypto_symmetric_state_max_tag_len(
    wasi_crypto_symmetric_state_t state, size_t *len);

/* wasi_crypto_symmetric_state_encrypt encrypts one message with its tag at the end. out_len is data_len and
   max_tag_len. out may overlap data. */
WASI_CRYPTO_IMPORT(symmetric_state_encrypt)
wasi_crypto_errno_t wasi_crypto_symmetric_state_encrypt(
    wasi_crypto_symmetric_state_t state, void *out, size_t out_len, const void *data, size_t data_len,
    size_t *len);

/* wasi_crypto_symmetric_state_encrypt_detached encrypts one message and gives the tag apart. out_len is
   data_len. out may overlap data. */
WASI_CRYPTO_IMPORT(symmetric_state_encrypt_detached)
wasi_crypto_errno_t wasi_crypto_symmetric_state_encrypt_detached(
    wasi_crypto_symmetric_state_t state, void *out, size_t out_len, const void *data, size_t data_len,
    wasi_crypto_symmetric_tag_t *tag);

/* wasi_crypto_symmetric_state_decrypt checks the tag at the end and decrypts. out_len is data_len less
   max_tag_len; a padded cipher takes up to data_len. When the tag does not fit, out is filled with zeros. out may
   overlap data. */
WASI_CRYPTO_IMPORT(symmetric_state_decrypt)
wasi_crypto_errno_t wasi_crypto_symmetric_state_decrypt(
    wasi_crypto_symmetric_state_t state, void *out, size_t out_len, const void *data, size_t data_len,
    size_t *len);

/* wasi_crypto_symmetric_state_decrypt_detached is symmetric_state_decrypt with the tag apart. */
WASI_CRYPTO_IMPORT(symmetric_state_decrypt_detached)
wasi_crypto_errno_t wasi_crypto_symmetric_state_decrypt_detached(
    wasi_crypto_symmetric_state_t state, void *out, size_t out_len, const void *data, size_t data_len,
    const void *raw_tag, size_t raw_tag_len, size_t *len);

/* wasi_crypto_symmetric_state_ratchet makes it impossible to go back to an earlier state of a session. */
WASI_CRYPTO_IMPORT(symmetric_state_ratchet)
wasi_crypto_errno_t wasi_crypto_symmetric_state_ratchet(
    wasi_crypto_symmetric_state_t state);

/* wasi_crypto_symmetric_tag_len says how long a tag is. */
WASI_CRYPTO_IMPORT(symmetric_tag_len)
wasi_crypto_errno_t wasi_crypto_symmetric_tag_len(
    wasi_crypto_symmetric_tag_t tag, size_t *len);

/* wasi_crypto_symmetric_tag_pull takes a tag out into a buffer of exactly its length and closes the handle. */
WASI_CRYPTO_IMPORT(symmetric_tag_pull)
wasi_crypto_errno_t wasi_crypto_symmetric_tag_pull(
    wasi_crypto_symmetric_tag_t tag, void *buf, size_t buf_len, size_t *len);

/* wasi_crypto_symmetric_tag_verify compares a tag with the expected one in constant time: invalid_tag if they
   differ. */
WASI_CRYPTO_IMPORT(symmetric_tag_verify)
wasi_crypto_errno_t wasi_crypto_symmetric_tag_verify(
    wasi_crypto_symmetric_tag_t tag, const void *expected, size_t expected_len);

/* wasi_crypto_symmetric_tag_close lets go of a tag. */
WASI_CRYPTO_IMPORT(symmetric_tag_close)
wasi_crypto_errno_t wasi_crypto_symmetric_tag_close(
    wasi_crypto_symmetric_tag_t tag);

#undef WASI_CRYPTO_IN

/* ---- Module wasi_ephemeral_crypto_signatures: signatures, their states and their verification. */

#define WASI_CRYPTO_IN "wasi_ephemeral_crypto_signatures"

/* wasi_crypto_signature_export takes a signature out. encoding is raw or DER. */
WASI_CRYPTO_IMPORT(signature_export)
wasi_crypto_errno_t wasi_crypto_signature_export(
    wasi_crypto_signature_t signature, wasi_crypto_signature_encoding_t encoding,
    wasi_crypto_array_output_t *encoded);

/* wasi_crypto_signature_import takes in a signature. */
WASI_CRYPTO_IMPORT(signature_import)
wasi_crypto_errno_t wasi_crypto_signature_import(
    const char *algorithm, size_t algorithm_len, const void *encoded, size_t encoded_len,
    wasi_crypto_signature_encoding_t encoding, wasi_crypto_signature_t *signature);

/* wasi_crypto_signature_state_open starts a signature with a key pair. */
WASI_CRYPTO_IMPORT(signature_state_open)
wasi_crypto_errno_t wasi_crypto_signature_state_open(
    wasi_crypto_keypair_t pair, wasi_crypto_signature_state_t *state);

/* wasi_crypto_signature_state_update adds to the message. */
WASI_CRYPTO_IMPORT(signature_state_update)
wasi_crypto_errno_t wasi_crypto_signature_state_update(
    wasi_crypto_signature_state_t state, const void *input, size_t input_len);

/* wasi_crypto_signature_state_sign signs all of the message so far. The state goes on. The result is a
   signature, and an array output of its raw bytes as well. */
WASI_CRYPTO_IMPORT(signature_state_sign)
wasi_crypto_errno_t wasi_crypto_signature_state_sign(
    wasi_crypto_signature_state_t state, wasi_crypto_signature_t *signature);

/* wasi_crypto_signature_state_close ends a signature state. */
WASI_CRYPTO_IMPORT(signature_state_close)
wasi_crypto_errno_t wasi_crypto_signature_state_close(
    wasi_crypto_signature_state_t state);

/* wasi_crypto_signature_verification_state_open starts a verification with a public key. */
WASI_CRYPTO_IMPORT(signature_verification_state_open)
wasi_crypto_errno_t wasi_crypto_signature_verification_state_open(
    wasi_crypto_publickey_t public_key, wasi_crypto_signature_verification_state_t *state);

/* wasi_crypto_signature_verification_state_update adds to the message. */
WASI_CRYPTO_IMPORT(signature_verification_state_update)
wasi_crypto_errno_t wasi_crypto_signature_verification_state_update(
    wasi_crypto_signature_verification_state_t state, const void *input, size_t input_len);

/* wasi_crypto_signature_verification_state_verify checks a signature of all of the message so far:
   verification_failed if it is not one. */
WASI_CRYPTO_IMPORT(signature_verification_state_verify)
wasi_crypto_errno_t wasi_crypto_signature_verification_state_verify(
    wasi_crypto_signature_verification_state_t state, wasi_crypto_signature_t signature);

/* wasi_crypto_signature_verification_state_close ends a verification state. */
WASI_CRYPTO_IMPORT(signature_verification_state_close)
wasi_crypto_errno_t wasi_crypto_signature_verification_state_close(
    wasi_crypto_signature_verification_state_t state);

/* wasi_crypto_signature_close lets go of a signature. */
WASI_CRYPTO_IMPORT(signature_close)
wasi_crypto_errno_t wasi_crypto_signature_close(
    wasi_crypto_signature_t signature);

#undef WASI_CRYPTO_IN

/* ---- Module wasi_ephemeral_crypto_kx: key agreement and key encapsulation. */

#define WASI_CRYPTO_IN "wasi_ephemeral_crypto_kx"

/* wasi_crypto_kx_dh agrees on the raw shared secret of Diffie-Hellman. It wants a key derivation before it is a
   key. */
WASI_CRYPTO_IMPORT(kx_dh)
wasi_crypto_errno_t wasi_crypto_kx_dh(
    wasi_crypto_publickey_t public_key, wasi_crypto_secretkey_t secret_key,
    wasi_crypto_array_output_t *shared_secret);

/* wasi_crypto_kx_encapsulate makes a secret and its encapsulation for the owner of a public key. */
WASI_CRYPTO_IMPORT(kx_encapsulate)
wasi_crypto_errno_t wasi_crypto_kx_encapsulate(
    wasi_crypto_publickey_t public_key, wasi_crypto_array_output_t *secret,
    wasi_crypto_array_output_t *encapsulated);

/* wasi_crypto_kx_decapsulate opens an encapsulation. */
WASI_CRYPTO_IMPORT(kx_decapsulate)
wasi_crypto_errno_t wasi_crypto_kx_decapsulate(
    wasi_crypto_secretkey_t secret_key, const void *encapsulated, size_t encapsulated_len,
    wasi_crypto_array_output_t *secret);

#undef WASI_CRYPTO_IN

/* ---- Module wasi_ephemeral_crypto_external_secrets: secrets that the guest did not make: tokens, passwords, certificates. */

#define WASI_CRYPTO_IN "wasi_ephemeral_crypto_external_secrets"

/* wasi_crypto_external_secret_store stores a secret until expiration, in seconds since 1970, and writes its
   identifier, filled up with zero bytes. It is durable before this returns. Too short a buffer stores nothing. */
WASI_CRYPTO_IMPORT(external_secret_store)
wasi_crypto_errno_t wasi_crypto_external_secret_store(
    wasi_crypto_secrets_manager_t manager, const void *secret, size_t secret_len,
    wasi_crypto_timestamp_t expiration, void *id, size_t id_max_len);

/* wasi_crypto_external_secret_replace stores the next version of a secret. Earlier ones stay readable. */
WASI_CRYPTO_IMPORT(external_secret_replace)
wasi_crypto_errno_t wasi_crypto_external_secret_replace(
    wasi_crypto_secrets_manager_t manager, const void *secret, size_t secret_len,
    wasi_crypto_timestamp_t expiration, const void *id, size_t id_len, wasi_crypto_version_t *version);

/* wasi_crypto_external_secret_from_id reads a version of a secret: an exact one, or "latest". Past its time it
   is expired. */
WASI_CRYPTO_IMPORT(external_secret_from_id)
wasi_crypto_errno_t wasi_crypto_external_secret_from_id(
    wasi_crypto_secrets_manager_t manager, const void *id, size_t id_len, wasi_crypto_version_t version,
    wasi_crypto_array_output_t *secret);

/* wasi_crypto_external_secret_invalidate ends a version of a secret for good, or with the version "all" every
   one. */
WASI_CRYPTO_IMPORT(external_secret_invalidate)
wasi_crypto_errno_t wasi_crypto_external_secret_invalidate(
    wasi_crypto_secrets_manager_t manager, const void *id, size_t id_len,
    wasi_crypto_version_t version);

/* wasi_crypto_external_secret_encapsulate seals a secret and its expiration for the guest to keep itself. Only
   this guest's keeper opens it. */
WASI_CRYPTO_IMPORT(external_secret_encapsulate)
wasi_crypto_errno_t wasi_crypto_external_secret_encapsulate(
    wasi_crypto_secrets_manager_t manager, const void *secret, size_t secret_len,
    wasi_crypto_timestamp_t expiration, wasi_crypto_array_output_t *capsule);

/* wasi_crypto_external_secret_decapsulate opens a sealed secret: verification_failed if it was altered, expired
   past its time. */
WASI_CRYPTO_IMPORT(external_secret_decapsulate)
wasi_crypto_errno_t wasi_crypto_external_secret_decapsulate(
    wasi_crypto_secrets_manager_t manager, const void *capsule, size_t capsule_len,
    wasi_crypto_array_output_t *secret);

#undef WASI_CRYPTO_IN

/* ---- Module wasi_ephemeral_crypto_symmetric_batch: several symmetric operations of one algorithm in one call. */

#define WASI_CRYPTO_IN "wasi_ephemeral_crypto_symmetric_batch"

/* wasi_crypto_batch_symmetric_state_squeeze is symmetric_state_squeeze over count records. */
WASI_CRYPTO_IMPORT(batch_symmetric_state_squeeze)
wasi_crypto_errno_t wasi_crypto_batch_symmetric_state_squeeze(
    const wasi_crypto_squeeze_record_t *batch, size_t count, wasi_crypto_errno_t *results);

/* wasi_crypto_batch_symmetric_state_squeeze_tag is symmetric_state_squeeze_tag over count states. Each value is
   a tag. */
WASI_CRYPTO_IMPORT(batch_symmetric_state_squeeze_tag)
wasi_crypto_errno_t wasi_crypto_batch_symmetric_state_squeeze_tag(
    const wasi_crypto_symmetric_state_t *batch, size_t count, wasi_crypto_result_t *results);

/* wasi_crypto_batch_symmetric_state_encrypt is symmetric_state_encrypt over count records. Each value is a
   length. */
WASI_CRYPTO_IMPORT(batch_symmetric_state_encrypt)
wasi_crypto_errno_t wasi_crypto_batch_symmetric_state_encrypt(
    const wasi_crypto_crypt_record_t *batch, size_t count, wasi_crypto_result_t *results);

/* wasi_crypto_batch_symmetric_state_encrypt_detached is symmetric_state_encrypt_detached over count records.
   Each value is a tag. */
WASI_CRYPTO_IMPORT(batch_symmetric_state_encrypt_detached)
wasi_crypto_errno_t wasi_crypto_batch_symmetric_state_encrypt_detached(
    const wasi_crypto_crypt_record_t *batch, size_t count, wasi_crypto_result_t *results);

/* wasi_crypto_batch_symmetric_state_decrypt is symmetric_state_decrypt over count records. Each value is a
   length. */
WASI_CRYPTO_IMPORT(batch_symmetric_state_decrypt)
wasi_crypto_errno_t wasi_crypto_batch_symmetric_state_decrypt(
    const wasi_crypto_crypt_record_t *batch, size_t count, wasi_crypto_result_t *results);

/* wasi_crypto_batch_symmetric_state_decrypt_detached is symmetric_state_decrypt_detached over count records.
   Each value is a length. */
WASI_CRYPTO_IMPORT(batch_symmetric_state_decrypt_detached)
wasi_crypto_errno_t wasi_crypto_batch_symmetric_state_decrypt_detached(
    const wasi_crypto_open_record_t *batch, size_t count, wasi_crypto_result_t *results);

#undef WASI_CRYPTO_IN

/* ---- Module wasi_ephemeral_crypto_signatures_batch: several signatures of one algorithm in one call. */

#define WASI_CRYPTO_IN "wasi_ephemeral_crypto_signatures_batch"

/* wasi_crypto_batch_signature_state_sign is signature_state_sign over count signature states. Each value is a
   signature. */
WASI_CRYPTO_IMPORT(batch_signature_state_sign)
wasi_crypto_errno_t wasi_crypto_batch_signature_state_sign(
    const wasi_crypto_signature_state_t *batch, size_t count, wasi_crypto_result_t *results);

/* wasi_crypto_batch_signature_state_verify is signature_verification_state_verify over count records. */
WASI_CRYPTO_IMPORT(batch_signature_state_verify)
wasi_crypto_errno_t wasi_crypto_batch_signature_state_verify(
    const wasi_crypto_verify_record_t *batch, size_t count, wasi_crypto_errno_t *results);

#undef WASI_CRYPTO_IN

#ifdef __cplusplus
}
#endif

#endif
