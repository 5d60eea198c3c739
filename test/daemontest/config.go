package daemontest

// FlowConfig is the configuration that the nine flows run on, for the test process as the one application. Providers
// 2 and 5 are two software instances, so that slot information shows a primary and a compatible one; 9 takes 300 ms and 10 takes 2 s
// for every operation.
const FlowConfig = `
[daemon]
socket = "{{.Socket}}"
store  = "{{.Dir}}/store.db"

[keeper]
kind = "file"
path = "{{.Dir}}/store.key"

[[provider]]
id   = 2
name = "software"
kind = "software"

[[provider]]
id   = 5
name = "software-b"
kind = "software"

[[provider]]
id    = 9
name  = "slow"
kind  = "delay"
delay = "300ms"

[[provider]]
id    = 10
name  = "slower"
kind  = "delay"
delay = "2s"

[[slot]]
name       = "vehicle/data"
algorithm  = "AES-256"
providers  = ["software", "software-b"]
operations = ["encrypt", "decrypt"]

[[slot]]
name       = "vehicle/signing"
algorithm  = "ECDSA-P256"
providers  = ["software"]
operations = ["sign", "verify"]

[[slot]]
name       = "vehicle/new"
algorithm  = "AES-256"
providers  = ["software"]
operations = ["encrypt", "decrypt"]

[[cert_slot]]
name = "vehicle/device"

[[cert_slot]]
name = "vehicle/root"

[[trust_store]]
name    = "vehicle/roots"
members = ["vehicle/root"]

[admin]
uids = [{{.Self}}]

[[app]]
name = "flows"
uid  = {{.Self}}
[app.resources]
PreDeployedSlot = { slot = "vehicle/data", write = ["generate", "import", "persist", "clear"] }
SigningKey      = { slot = "vehicle/signing", write = ["generate", "clear"] }
MyNewSlot       = { slot = "vehicle/new", write = ["persist", "clear"] }
DeviceCert      = { cert_slot = "vehicle/device", write = ["save", "clear"] }
RootCert        = { cert_slot = "vehicle/root", write = ["save", "clear", "crl"] }
RootCA          = { trust_store = "vehicle/roots" }
`
