// Package controlpb holds the control messages of the protocol, generated from control.proto. The .proto file is the
// contract for other languages; docs/PROTOCOL.md says which operation carries which message.
package controlpb

//go:generate protoc --go_out=. --go_opt=paths=source_relative control.proto
