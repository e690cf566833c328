package blobapi

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/coreshed/coreshed/internal/catalog"
)

// blockList is the body of a Put Block List.
type blockList struct {
	ids       []string
	committed bool // an id is asked for as committed
}

// parseBlockList reads a list with any declaration, white space and quotes.
// There are no document types and no entities but XML's own five. Errors of r
// come back as they are.
func parseBlockList(r io.Reader) (blockList, error) {
	d := xml.NewDecoder(r)
	d.CharsetReader = asciiReader
	var p listParser
	for {
		// Raw tokens do: the parser checks the few elements that there can be.
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return p.list, p.end()
		}
		if err == nil {
			err = p.take(token)
		}
		if err != nil {
			return blockList{}, listError(err)
		}
	}
}

func listError(err error) error {
	var broken *bodyError
	var r *refusal
	if errors.As(err, &broken) || errors.As(err, &r) {
		return err
	}
	return refuse(http.StatusBadRequest, "InvalidXmlDocument", "XML specified is not syntactically valid: %v.", err).because(err)
}

func asciiReader(charset string, r io.Reader) (io.Reader, error) {
	if strings.EqualFold(charset, "us-ascii") || strings.EqualFold(charset, "ascii") {
		return r, nil
	}
	return nil, fmt.Errorf("the encoding %.20q is not UTF-8", charset)
}

// listParser takes a document BlockList of elements that hold block ids.
type listParser struct {
	list    blockList
	begun   bool
	over    bool
	element string // open inside the list; "" is none
	text    []byte
}

func (p *listParser) take(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return p.start(t.Name)
	case xml.EndElement:
		return p.close(t.Name)
	case xml.CharData:
		if p.element != "" {
			p.text = append(p.text, t...)
		} else if strings.Trim(string(t), " \t\r\n\ufeff") != "" {
			return errors.New("there is text outside the elements")
		}
	case xml.Directive:
		return errors.New("document types are not accepted")
	}
	return nil
}

func (p *listParser) start(name xml.Name) error {
	switch {
	case !p.begun && name == xml.Name{Local: "BlockList"}:
		p.begun = true
		return nil
	case !p.begun || p.over || p.element != "" || name.Space != "":
	case name.Local == "Latest", name.Local == "Uncommitted", name.Local == "Committed":
		if len(p.list.ids) == catalog.MaxListedBlocks {
			return refuse(http.StatusBadRequest, "BlockListTooLong",
				"The block list may not contain more than %d blocks.", catalog.MaxListedBlocks)
		}
		p.element, p.text = name.Local, p.text[:0]
		return nil
	}
	return fmt.Errorf("the element %.40q does not belong there", name.Local)
}

func (p *listParser) close(name xml.Name) error {
	switch {
	case name.Space != "":
	case p.element != "" && name.Local == p.element:
		p.list.ids = append(p.list.ids, strings.TrimSpace(string(p.text)))
		p.list.committed = p.list.committed || p.element == "Committed"
		p.element = ""
		return nil
	case p.element == "" && p.begun && !p.over && name.Local == "BlockList":
		p.over = true
		return nil
	}
	return fmt.Errorf("the end of %.40q does not belong there", name.Local)
}

func (p *listParser) end() error {
	if !p.over {
		return listError(errors.New("the document ends before the list"))
	}
	return nil
}
