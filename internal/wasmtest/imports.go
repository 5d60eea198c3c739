package wasmtest

import "strings"

// Import is one function that a guest imports.
type Import struct {
	Module string
	Name   string
	Params string // an "i" for each i32 and an "I" for each i64; the result is one i32
	Roles  string // functions of wasi-crypto: a letter for each parameter, below
}

// The letters of Roles. Handles have one for each of their types.
const (
	RoleOptions      = 'O'
	RoleArrayOutput  = 'A'
	RoleManager      = 'M'
	RoleKeypair      = 'K'
	RolePublicKey    = 'P'
	RoleSecretKey    = 'S'
	RoleSymmetricKey = 'k'
	RoleState        = 's'
	RoleTag          = 't'
	RoleSignature    = 'G'
	RoleSignState    = 'g'
	RoleVerifyState  = 'y'

	RoleEnum         = 'e'
	RoleRead         = 'p' // address that the host reads from; its length follows
	RoleWrite        = 'w' // address that the host writes to; its length follows
	RoleLength       = 'n'
	RoleOptOptions   = 'u' // address of an optional handle
	RoleOptKey       = 'U'
	RoleOut32        = 'o' // address of a handle or size that the host stores
	RoleOut64        = 'q' // address of a version or number that the host stores
	RoleNumber       = 'v' // i64
	RoleBatch        = 'b' // address of a list
	RoleCount        = 'c'
	RoleBatchResults = 'r'
)

// Handles are the letters of all types of handles.
const Handles = "OAMKPSkstGgy"

// Crypto lists the 86 functions of wasi-crypto in the order of the published interface (witx 0.10). It is written down from
// there and not from any host.
func Crypto() []Import {
	var all []Import
	for line := range strings.Lines(cryptoImports) {
		switch f := strings.Fields(line); len(f) {
		case 1:
			all = append(all, Import{Module: f[0]})
		case 2:
			last := &all[len(all)-1]
			if last.Name != "" {
				all = append(all, Import{Module: last.Module})
				last = &all[len(all)-1]
			}
			last.Name, last.Roles = f[0], f[1]
			last.Params = strings.Map(func(role rune) rune {
				if role == RoleNumber {
					return 'I'
				}
				return 'i'
			}, f[1])
		}
	}
	return all
}

// cryptoImports has a line for each module, and below it one for each function with the roles of its parameters.
const cryptoImports = `
wasi_ephemeral_crypto_common
	options_open eo
	options_close O
	options_set Opnpn
	options_set_u64 Opnv
	options_set_guest_buffer Opnwn
	array_output_len Ao
	array_output_pull Awno
	secrets_manager_open uo
	secrets_manager_close M
	secrets_manager_invalidate Mpnv
wasi_ephemeral_crypto_asymmetric_common
	keypair_generate epnuo
	keypair_import epnpneo
	keypair_generate_managed Mepnuo
	keypair_store_managed MKwn
	keypair_replace_managed MKKq
	keypair_id Kwnoq
	keypair_from_id Mpnvo
	keypair_from_pk_and_sk PSo
	keypair_export Keo
	keypair_publickey Ko
	keypair_secretkey Ko
	keypair_close K
	publickey_import epnpneo
	publickey_export Peo
	publickey_verify P
	publickey_from_secretkey So
	publickey_close P
	secretkey_import epnpneo
	secretkey_export Seo
	secretkey_close S
wasi_ephemeral_crypto_symmetric
	symmetric_key_generate pnuo
	symmetric_key_import pnpno
	symmetric_key_export ko
	symmetric_key_close k
	symmetric_key_generate_managed Mpnuo
	symmetric_key_store_managed Mkwn
	symmetric_key_replace_managed Mkkq
	symmetric_key_id kwnoq
	symmetric_key_from_id Mpnvo
	symmetric_state_open pnUuo
	symmetric_state_options_get spnwno
	symmetric_state_options_get_u64 spnq
	symmetric_state_clone so
	symmetric_state_close s
	symmetric_state_absorb spn
	symmetric_state_squeeze swn
	symmetric_state_squeeze_tag so
	symmetric_state_squeeze_key spno
	symmetric_state_max_tag_len so
	symmetric_state_encrypt swnpno
	symmetric_state_encrypt_detached swnpno
	symmetric_state_decrypt swnpno
	symmetric_state_decrypt_detached swnpnpno
	symmetric_state_ratchet s
	symmetric_tag_len to
	symmetric_tag_pull twno
	symmetric_tag_verify tpn
	symmetric_tag_close t
wasi_ephemeral_crypto_signatures
	signature_export Geo
	signature_import pnpneo
	signature_state_open Ko
	signature_state_update gpn
	signature_state_sign go
	signature_state_close g
	signature_verification_state_open Po
	signature_verification_state_update ypn
	signature_verification_state_verify yG
	signature_verification_state_close y
	signature_close G
wasi_ephemeral_crypto_kx
	kx_dh PSo
	kx_encapsulate Poo
	kx_decapsulate Spno
wasi_ephemeral_crypto_external_secrets
	external_secret_store Mpnvwn
	external_secret_replace Mpnvpnq
	external_secret_from_id Mpnvo
	external_secret_invalidate Mpnv
	external_secret_encapsulate Mpnvo
	external_secret_decapsulate Mpno
wasi_ephemeral_crypto_symmetric_batch
	batch_symmetric_state_squeeze bcr
	batch_symmetric_state_squeeze_tag bcr
	batch_symmetric_state_encrypt bcr
	batch_symmetric_state_encrypt_detached bcr
	batch_symmetric_state_decrypt bcr
	batch_symmetric_state_decrypt_detached bcr
wasi_ephemeral_crypto_signatures_batch
	batch_signature_state_sign bcr
	batch_signature_state_verify bcr
`
