// Command readers says how container runtimes read what it is given, by the libraries that they read with. Each line of standard
// input is a document in base64, and a line of standard output answers it, as JSON.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"log"
	"os"
)

func main() {
	readers := map[string]func([]byte) any{
		"archives":       archives,
		"manifests":      manifest,
		"configurations": configuration,
	}
	if len(os.Args) != 2 || readers[os.Args[1]] == nil {
		log.Fatal("usage: readers archives|manifests|configurations")
	}
	read := readers[os.Args[1]]
	documents := bufio.NewScanner(os.Stdin)
	documents.Buffer(nil, 64<<20)
	answers := json.NewEncoder(os.Stdout)
	for documents.Scan() {
		document, err := base64.StdEncoding.DecodeString(documents.Text())
		if err != nil {
			log.Fatal(err)
		}
		if err := answers.Encode(read(document)); err != nil {
			log.Fatal(err)
		}
	}
	if err := documents.Err(); err != nil {
		log.Fatal(err)
	}
}
