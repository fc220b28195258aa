package main

import (
	"archive/tar"
	"bytes"
	"io"

	fork "github.com/vbatts/tar-split/archive/tar"
)

// listing is what one reader finds in an archive.
type listing struct {
	Entries []entry `json:"entries"`
	// Error is empty where the archive was read to its end.
	Error string `json:"error"`
}

type entry struct {
	Path    []byte `json:"path"`
	Link    []byte `json:"link"`
	Kind    string `json:"kind"`
	Content []byte `json:"content"`
}

// archives gives the listing of Go's own reader, with which runtimes unpack, and that of the reader with which some of them keep
// the form of the archive.
func archives(archive []byte) any {
	ours := tar.NewReader(bytes.NewReader(archive))
	theirs := fork.NewReader(bytes.NewReader(archive))
	return map[string]listing{
		"go": list(ours, func() (*entry, error) {
			header, err := ours.Next()
			if err != nil {
				return nil, err
			}
			return found(header.Name, header.Linkname, header.Typeflag), nil
		}),
		"fork": list(theirs, func() (*entry, error) {
			header, err := theirs.Next()
			if err != nil {
				return nil, err
			}
			return found(header.Name, header.Linkname, header.Typeflag), nil
		}),
	}
}

func found(path, link string, kind byte) *entry {
	if kind == tar.TypeRegA {
		kind = tar.TypeReg
	}
	return &entry{Path: []byte(path), Link: []byte(link), Kind: string(rune(kind))}
}

func list(content io.Reader, next func() (*entry, error)) listing {
	found := listing{Entries: []entry{}}
	for {
		entry, err := next()
		if err == nil {
			entry.Content, err = io.ReadAll(io.LimitReader(content, 1<<20))
		}
		switch {
		case err == io.EOF:
			return found
		case err != nil:
			found.Error = err.Error()
			return found
		case entry.Kind != string(rune(tar.TypeXGlobalHeader)):
			found.Entries = append(found.Entries, *entry)
		}
	}
}
