package replay

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"commonpool.dev/scheduler/packing"
)

// row is one line; the first number that is none stays in err.
type row struct {
	columns map[string]int
	fields  []string
	err     error
}

func (r *row) has(column string) bool {
	_, known := r.columns[column]
	return known
}

func (r *row) text(column string) string {
	if at, known := r.columns[column]; known {
		return r.fields[at]
	}
	return ""
}

func (r *row) number(column string) int64 {
	text := r.text(column)
	number, err := strconv.ParseInt(text, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && (number > packing.MaxAmount || number < -packing.MaxAmount):
		r.refuse(column, "%s: %w", text, packing.ErrOverflow)
	case text == "":
		r.refuse(column, "empty, but a whole number is needed")
	case err != nil:
		r.refuse(column, "%q is no whole number", text)
	}
	return number
}

// amount is a number that cannot be less than nothing.
func (r *row) amount(column string) int64 {
	number := r.number(column)
	if number < 0 {
		r.refuse(column, "%d is less than nothing", number)
	}
	return number
}

func (r *row) refuse(column, format string, what ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("column "+column+": "+format, what...)
	}
}

// eachRow reads a CSV whose first line names at least the needed columns.
func eachRow(from io.Reader, needed []string, take func(row) error) error {
	reader := csv.NewReader(from)
	header, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the file is empty: its first line must name the columns %s", strings.Join(needed, ","))
	}
	if err != nil {
		return err
	}
	columns := make(map[string]int, len(header))
	for at, column := range header {
		columns[column] = at
	}
	for _, column := range needed {
		if !slices.Contains(header, column) {
			return fmt.Errorf("line 1: there is no column `%s`: it must name %s", column, strings.Join(needed, ","))
		}
	}
	for {
		fields, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := take(row{columns: columns, fields: fields}); err != nil {
			line, _ := reader.FieldPos(0)
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}
