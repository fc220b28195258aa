module tools.invalid/readers

go 1.26.0

require (
	github.com/opencontainers/image-spec v1.1.1
	github.com/vbatts/tar-split v0.12.3
)

require github.com/opencontainers/go-digest v1.0.0 // indirect
