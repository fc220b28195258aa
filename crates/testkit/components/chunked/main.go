// Command chunked turns an archive into a layer that lazy runtimes read by its table of contents, with the libraries of those
// runtimes: the blob goes to a file, and what a manifest says of it to standard output, as JSON.
package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/containerd/stargz-snapshotter/estargz"
	"github.com/containerd/stargz-snapshotter/estargz/zstdchunked"
	"github.com/klauspost/compress/zstd"
	"go.podman.io/storage/pkg/chunked/compressor"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: chunked estargz|estargz-kept|estargz-small|zstd-stargz|zstd-podman ARCHIVE BLOB")
	}
	archive, err := os.Open(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	blob, err := os.Create(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	layer, err := write(os.Args[1], archive, blob)
	if err != nil {
		log.Fatal(err)
	}
	if err := blob.Close(); err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(layer); err != nil {
		log.Fatal(err)
	}
}

// layer is what a manifest and a configuration say.
type layer struct {
	// DiffID is empty where the archive is the very one that was given.
	DiffID      string            `json:"diffID"`
	Annotations map[string]string `json:"annotations"`
}

func write(format string, archive io.Reader, blob io.Writer) (*layer, error) {
	annotations := map[string]string{}
	switch format {
	case "estargz":
		w := estargz.NewWriterLevel(blob, gzip.BestSpeed)
		w.ChunkSize = 4096
		return stargz(w, w.AppendTar, archive, annotations)
	// The archive as it is, its end mark too: the table follows it.
	case "estargz-kept":
		w := estargz.NewWriterLevel(blob, gzip.BestSpeed)
		return stargz(w, w.AppendTarLossLess, archive, annotations)
	// Several files in one member.
	case "estargz-small":
		w := estargz.NewWriterLevel(blob, gzip.BestSpeed)
		w.MinChunkSize = 8192
		return stargz(w, w.AppendTar, archive, annotations)
	case "zstd-stargz":
		c := &zstdchunked.Compressor{CompressionLevel: zstd.SpeedDefault, Metadata: annotations}
		w := estargz.NewWriterWithCompressor(blob, c)
		return stargz(w, w.AppendTar, archive, annotations)
	case "zstd-podman":
		w, err := compressor.ZstdCompressor(blob, annotations, nil)
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(w, archive); err != nil {
			return nil, err
		}
		return &layer{Annotations: annotations}, w.Close()
	}
	return nil, fmt.Errorf("there is no format %s", format)
}

func stargz(w *estargz.Writer, add func(io.Reader) error, archive io.Reader, annotations map[string]string) (*layer, error) {
	if err := add(archive); err != nil {
		return nil, err
	}
	digest, err := w.Close()
	if err != nil {
		return nil, err
	}
	annotations[estargz.TOCJSONDigestAnnotation] = digest.String()
	return &layer{DiffID: w.DiffID(), Annotations: annotations}, nil
}
