package main

import (
	"encoding/json"

	"github.com/opencontainers/image-spec/specs-go/v1"
)

// answer is what a document says, or why it cannot be read.
type answer struct {
	Config    string   `json:"config"`
	Layers    []string `json:"layers"`
	Manifests []string `json:"manifests"`
	Platform  string   `json:"platform"`
	DiffIDs   []string `json:"diffIDs"`
	Error     string   `json:"error"`
}

// manifest reads an image's manifest and an index, of which a runtime takes one.
func manifest(document []byte) any {
	var image v1.Manifest
	var index v1.Index
	said := answer{}
	for _, into := range []any{&image, &index} {
		if err := json.Unmarshal(document, into); err != nil {
			said.Error = err.Error()
		}
	}
	said.Config = image.Config.Digest.String()
	for _, layer := range image.Layers {
		said.Layers = append(said.Layers, layer.Digest.String())
	}
	for _, one := range index.Manifests {
		text := one.Digest.String()
		if one.Platform != nil {
			text += " " + platform(*one.Platform)
		}
		said.Manifests = append(said.Manifests, text)
	}
	return said
}

func configuration(document []byte) any {
	var image v1.Image
	said := answer{}
	if err := json.Unmarshal(document, &image); err != nil {
		said.Error = err.Error()
	}
	said.Platform = platform(image.Platform)
	for _, id := range image.RootFS.DiffIDs {
		said.DiffIDs = append(said.DiffIDs, id.String())
	}
	return said
}

func platform(platform v1.Platform) string {
	return platform.OS + "/" + platform.Architecture + "/" + platform.Variant
}
