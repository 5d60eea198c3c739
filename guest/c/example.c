/* example.c signs a message with a key that it cannot read.
 *
 *     clang --target=wasm32-wasi -O2 -o example.wasm example.c
 *     claviger run --embedded ./keys --tenant demo example.wasm
 */
#include <stdio.h>
#include <string.h>

#include "wasi_crypto.h"

static const char algorithm[] = "Ed25519";
static const char message[] = "pay 5 to carol";

/* check reports a refusal; the result is 1 for one. */
static int check(const char *what, wasi_crypto_errno_t e) {
    if (e == WASI_CRYPTO_ERRNO_SUCCESS) {
        return 0;
    }
    fprintf(stderr, "%s: crypto_errno %u\n", what, e);
    return 1;
}

/* sign writes the raw signature of the message into out and its length into n. */
static int sign(wasi_crypto_keypair_t pair, uint8_t *out, size_t room, size_t *n) {
    wasi_crypto_signature_state_t state;
    wasi_crypto_signature_t signature;
    wasi_crypto_array_output_t encoded;
    if (check("signature_state_open", wasi_crypto_signature_state_open(pair, &state)) ||
        check("signature_state_update", wasi_crypto_signature_state_update(state, message, strlen(message))) ||
        check("signature_state_sign", wasi_crypto_signature_state_sign(state, &signature)) ||
        check("signature_export", wasi_crypto_signature_export(signature, WASI_CRYPTO_SIGNATURE_ENCODING_RAW, &encoded)) ||
        check("array_output_pull", wasi_crypto_array_output_pull(encoded, out, room, n))) {
        return 1;
    }
    return check("signature_close", wasi_crypto_signature_close(signature)) ||
           check("signature_state_close", wasi_crypto_signature_state_close(state));
}

/* verify checks the signature with the public half. */
static int verify(wasi_crypto_keypair_t pair, const uint8_t *raw, size_t n) {
    wasi_crypto_publickey_t key;
    wasi_crypto_signature_t signature;
    wasi_crypto_signature_verification_state_t state;
    return check("keypair_publickey", wasi_crypto_keypair_publickey(pair, &key)) ||
           check("signature_import", wasi_crypto_signature_import(algorithm, strlen(algorithm), raw, n,
                                                                  WASI_CRYPTO_SIGNATURE_ENCODING_RAW, &signature)) ||
           check("signature_verification_state_open", wasi_crypto_signature_verification_state_open(key, &state)) ||
           check("signature_verification_state_update",
                 wasi_crypto_signature_verification_state_update(state, message, strlen(message))) ||
           check("signature_verification_state_verify",
                 wasi_crypto_signature_verification_state_verify(state, signature));
}

int main(void) {
    wasi_crypto_opt_options_t none = wasi_crypto_no_options();
    wasi_crypto_secrets_manager_t manager;
    wasi_crypto_keypair_t pair;
    wasi_crypto_array_output_t taken;
    char id[WASI_CRYPTO_ID_LEN];
    uint8_t signature[64];
    size_t id_len, n;
    wasi_crypto_version_t version;

    if (check("secrets_manager_open", wasi_crypto_secrets_manager_open(&none, &manager)) ||
        check("keypair_generate_managed",
              wasi_crypto_keypair_generate_managed(manager, WASI_CRYPTO_ALGORITHM_TYPE_SIGNATURES, algorithm,
                                                   strlen(algorithm), &none, &pair)) ||
        check("keypair_id", wasi_crypto_keypair_id(pair, id, sizeof id, &id_len, &version)) ||
        sign(pair, signature, sizeof signature, &n) || verify(pair, signature, n)) {
        return 1;
    }
    printf("key %.*s version %llu\nsignature of %zu bytes verified\n", (int)id_len, id, (unsigned long long)version, n);

    if (wasi_crypto_keypair_export(pair, WASI_CRYPTO_KEYPAIR_ENCODING_PKCS8, &taken) !=
        WASI_CRYPTO_ERRNO_PROHIBITED_OPERATION) {
        fprintf(stderr, "the key could be taken out\n");
        return 1;
    }
    printf("the key cannot be taken out\n");
    return check("keypair_close", wasi_crypto_keypair_close(pair)) ||
           check("secrets_manager_close", wasi_crypto_secrets_manager_close(manager));
}
