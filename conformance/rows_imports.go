package conformance

import (
	"strconv"
	"strings"
)

// Function is one function of the interface, as a core module imports it. It gives one i32, the errno.
type Function struct {
	Module string // such as "wasi_ephemeral_crypto_kx"
	Name   string
	Params string // "i" for each i32, "I" for each i64
}

// Functions gives all 86 in the order of the interface (witx 0.10). The caller owns the slice.
func Functions() []Function {
	var all []Function
	for _, m := range []struct{ module, functions string }{
		{"common", `options_open ii  options_close i  options_set iiiii  options_set_u64 iiiI  options_set_guest_buffer iiiii
			array_output_len ii  array_output_pull iiii  secrets_manager_open ii  secrets_manager_close i  secrets_manager_invalidate iiiI`},
		{"asymmetric_common", `keypair_generate iiiii  keypair_import iiiiiii  keypair_generate_managed iiiiii  keypair_store_managed iiii
			keypair_replace_managed iiii  keypair_id iiiii  keypair_from_id iiiIi  keypair_from_pk_and_sk iii  keypair_export iii
			keypair_publickey ii  keypair_secretkey ii  keypair_close i  publickey_import iiiiiii  publickey_export iii
			publickey_verify i  publickey_from_secretkey ii  publickey_close i  secretkey_import iiiiiii  secretkey_export iii  secretkey_close i`},
		{"symmetric", `symmetric_key_generate iiii  symmetric_key_import iiiii  symmetric_key_export ii  symmetric_key_close i
			symmetric_key_generate_managed iiiii  symmetric_key_store_managed iiii  symmetric_key_replace_managed iiii  symmetric_key_id iiiii
			symmetric_key_from_id iiiIi  symmetric_state_open iiiii  symmetric_state_options_get iiiiii  symmetric_state_options_get_u64 iiii
			symmetric_state_clone ii  symmetric_state_close i  symmetric_state_absorb iii  symmetric_state_squeeze iii
			symmetric_state_squeeze_tag ii  symmetric_state_squeeze_key iiii  symmetric_state_max_tag_len ii  symmetric_state_encrypt iiiiii
			symmetric_state_encrypt_detached iiiiii  symmetric_state_decrypt iiiiii  symmetric_state_decrypt_detached iiiiiiii
			symmetric_state_ratchet i  symmetric_tag_len ii  symmetric_tag_pull iiii  symmetric_tag_verify iii  symmetric_tag_close i`},
		{"signatures", `signature_export iii  signature_import iiiiii  signature_state_open ii  signature_state_update iii  signature_state_sign ii
			signature_state_close i  signature_verification_state_open ii  signature_verification_state_update iii
			signature_verification_state_verify ii  signature_verification_state_close i  signature_close i`},
		{"kx", `kx_dh iii  kx_encapsulate iii  kx_decapsulate iiii`},
		{"external_secrets", `external_secret_store iiiIii  external_secret_replace iiiIiii  external_secret_from_id iiiIi
			external_secret_invalidate iiiI  external_secret_encapsulate iiiIi  external_secret_decapsulate iiii`},
		{"symmetric_batch", `batch_symmetric_state_squeeze iii  batch_symmetric_state_squeeze_tag iii  batch_symmetric_state_encrypt iii
			batch_symmetric_state_encrypt_detached iii  batch_symmetric_state_decrypt iii  batch_symmetric_state_decrypt_detached iii`},
		{"signatures_batch", `batch_signature_state_sign iii  batch_signature_state_verify iii`},
	} {
		words := strings.Fields(m.functions)
		for i := 0; i < len(words); i += 2 {
			all = append(all, Function{"wasi_ephemeral_crypto_" + m.module, words[i], words[i+1]})
		}
	}
	return all
}

// importRows has a row for each function. That a host has all of them is held by the guest's start, which fails without one; the
// checks call each once, with a handle that was closed or an algorithm that does not exist.
func importRows() []Row {
	var rows []Row
	for i, f := range Functions() {
		rows = append(rows, Row{
			ID:    "I" + strconv.Itoa(i+1),
			Rule:  f.Name + " of " + f.Module + " can be called, and answers a misuse with the errno for it.",
			Check: "import-" + strings.ReplaceAll(f.Name, "_", "-"),
		})
	}
	return rows
}
