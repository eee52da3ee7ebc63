package graphwire

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

// JSON makes the API's free-form JSON of a Go value, as encoding/json writes it. nil is JSON null; to send nothing, leave the field nil. A
// *graphwirev1.Json is passed through.
//
// It panics where the value has no form in JSON: a function, a channel, NaN, a circle. For values that are not your own program's, use [EncodeJSON].
func JSON(value any) *graphwirev1.Json {
	made, err := EncodeJSON(value)
	if err != nil {
		panic(err)
	}
	return made
}

// EncodeJSON is [JSON] for values that may have no form in JSON: it returns the error of encoding/json.
func EncodeJSON(value any) (*graphwirev1.Json, error) {
	if made, ok := value.(*graphwirev1.Json); ok && made != nil {
		return made, nil
	}
	text, err := marshal(value)
	if err != nil {
		return nil, fmt.Errorf("graphwire: it cannot be sent as JSON: %w", err)
	}
	return &graphwirev1.Json{Kind: &graphwirev1.Json_Text{Text: text}}, nil
}

// Resume makes the command that answers what an interrupted run waits for; or, with a map from interrupt ids to answers, all of several. It panics
// as [JSON] does.
func Resume(answer any) *graphwirev1.Command {
	return &graphwirev1.Command{Resume: JSON(answer)}
}

// Decode reads free-form JSON into a value that a pointer points to, as json.Unmarshal does. Integers are exact: one that does not fit is an error, and
// where the type is `any`, numbers are json.Number. JSON that is absent, or carries nothing, leaves the value as it is.
func Decode(from *graphwirev1.Json, into any) error {
	text, err := jsonText(from)
	if err != nil || text == "" {
		return err
	}
	return unmarshal(text, into)
}

// Value reads free-form JSON as plain Go values: nil, bool, string, []any, map[string]any; integers as int64, or as *big.Int where they do not fit,
// all other numbers as float64. In the form `value`, where all numbers are doubles, those without a fraction are integers. JSON that is absent, or
// carries nothing, is nil.
func Value(from *graphwirev1.Json) (any, error) {
	switch kind := from.GetKind().(type) {
	case *graphwirev1.Json_Text:
		var read any
		if err := unmarshal(kind.Text, &read); err != nil {
			return nil, err
		}
		return exact(read)
	case *graphwirev1.Json_Value:
		return plain(kind.Value), nil
	default:
		return nil, nil
	}
}

// jsonText is the JSON as text; empty where it carries nothing.
func jsonText(from *graphwirev1.Json) (string, error) {
	switch kind := from.GetKind().(type) {
	case *graphwirev1.Json_Text:
		return kind.Text, nil
	case *graphwirev1.Json_Value:
		return marshal(plain(kind.Value))
	default:
		return "", nil
	}
}

func marshal(value any) (string, error) {
	var buffer strings.Builder
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", err
	}
	return strings.TrimSuffix(buffer.String(), "\n"), nil
}

func unmarshal(text string, into any) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("graphwire: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("graphwire: more than one JSON value")
	}
	return nil
}

// exact replaces the numbers in a decoded value by those of Go.
func exact(value any) (any, error) {
	var err error
	switch v := value.(type) {
	case json.Number:
		return number(v.String())
	case []any:
		for i := range v {
			if v[i], err = exact(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key := range v {
			if v[key], err = exact(v[key]); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}

func number(text string) (any, error) {
	if strings.ContainsAny(text, ".eE") {
		read, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("graphwire: the number %s does not fit a float64", text)
		}
		return read, nil
	}
	if read, err := strconv.ParseInt(text, 10, 64); err == nil {
		return read, nil
	}
	read, _ := new(big.Int).SetString(text, 10) // it is an integer: the decoder has checked its form
	return read, nil
}

// plain is a protobuf value as Go values.
func plain(value *structpb.Value) any {
	switch kind := value.GetKind().(type) {
	case *structpb.Value_BoolValue:
		return kind.BoolValue
	case *structpb.Value_NumberValue:
		return whole(kind.NumberValue)
	case *structpb.Value_StringValue:
		return kind.StringValue
	case *structpb.Value_ListValue:
		items := make([]any, len(kind.ListValue.GetValues()))
		for i, item := range kind.ListValue.GetValues() {
			items[i] = plain(item)
		}
		return items
	case *structpb.Value_StructValue:
		fields := make(map[string]any, len(kind.StructValue.GetFields()))
		for key, field := range kind.StructValue.GetFields() {
			fields[key] = plain(field)
		}
		return fields
	default:
		return nil
	}
}

// whole is a double without a fraction as an integer.
func whole(double float64) any {
	if math.IsInf(double, 0) || math.IsNaN(double) || double != math.Trunc(double) {
		return double
	}
	// 2^63 itself is a float64 and does not fit, so the upper bound is exclusive.
	if double >= math.MinInt64 && double < math.MaxInt64 {
		return int64(double)
	}
	read, _ := big.NewFloat(double).Int(nil)
	return read
}
