package graphwire

import (
	"encoding/json"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

func text(json string) *graphwirev1.Json {
	return &graphwirev1.Json{Kind: &graphwirev1.Json_Text{Text: json}}
}

func double(number float64) *graphwirev1.Json {
	return &graphwirev1.Json{Kind: &graphwirev1.Json_Value{Value: structpb.NewNumberValue(number)}}
}

func integer(digits string) *big.Int {
	number, _ := new(big.Int).SetString(digits, 10)
	return number
}

func TestValuesAreExact(t *testing.T) {
	for _, c := range []struct {
		from *graphwirev1.Json
		want any
	}{
		{nil, nil},
		{&graphwirev1.Json{}, nil},
		{text("null"), nil},
		{text("true"), true},
		{text(`"a\u00e9\ud83d\ude00"`), "aé😀"},
		{text("9007199254740993"), int64(9007199254740993)},
		{text("-9223372036854775808"), int64(math.MinInt64)},
		{text("9223372036854775808"), integer("9223372036854775808")},
		{text("123456789012345678901234567890"), integer("123456789012345678901234567890")},
		{text("1.0"), 1.0},
		{text("-0.5e3"), -500.0},
		{text(`{"a": [1, {"b": 2.5}], "c": {}}`), map[string]any{"a": []any{int64(1), map[string]any{"b": 2.5}}, "c": map[string]any{}}},
		{double(3), int64(3)},
		{double(-0.5), -0.5},
		{double(math.Exp2(63)), integer("9223372036854775808")},
		{double(-math.Exp2(63)), int64(math.MinInt64)},
		{double(1e300), func() any { number, _ := big.NewFloat(1e300).Int(nil); return number }()},
		{double(math.Inf(1)), math.Inf(1)},
	} {
		got, err := Value(c.from)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: got %#v and %v, want %#v", c.from, got, err, c.want)
		}
	}
}

func TestAProtobufValueIsReadWhole(t *testing.T) {
	made, err := structpb.NewValue(map[string]any{"list": []any{1, 2.5, "x", true, nil}, "none": map[string]any{}})
	if err != nil {
		t.Fatal(err)
	}
	from := &graphwirev1.Json{Kind: &graphwirev1.Json_Value{Value: made}}

	got, err := Value(from)

	want := map[string]any{"list": []any{int64(1), 2.5, "x", true, nil}, "none": map[string]any{}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v and %v", got, err)
	}
	var decoded struct{ List []any }
	if err := Decode(from, &decoded); err != nil || !reflect.DeepEqual(decoded.List[0], json.Number("1")) {
		t.Errorf("got %#v and %v", decoded, err)
	}
}

func TestWhatIsNoJSONIsAnError(t *testing.T) {
	for _, bad := range []string{"", "{", "1 2", "nan", "1e999"} {
		if got, err := Value(text(bad)); err == nil {
			t.Errorf("%q was read as %#v", bad, got)
		}
	}
}

func TestDecodeIsExact(t *testing.T) {
	var into struct {
		ID   uint64 `json:"id"`
		Big  *big.Int
		Open any
	}
	if err := Decode(text(`{"id": 18446744073709551615, "Big": 123456789012345678901, "Open": 9007199254740993}`), &into); err != nil {
		t.Fatal(err)
	}
	same(t, "fields", []any{into.ID, into.Big, into.Open}, "[18446744073709551615 123456789012345678901 9007199254740993]")

	var small int32
	if err := Decode(text("3000000000"), &small); err == nil {
		t.Errorf("3000000000 became %d", small)
	}
	small = 7
	if err := Decode(nil, &small); err != nil || small != 7 {
		t.Errorf("absent JSON gave %d and %v", small, err)
	}
}

func TestEncoding(t *testing.T) {
	for want, value := range map[string]any{
		"null":                           nil,
		`{"a":"<b> & c"}`:                map[string]string{"a": "<b> & c"},
		"123456789012345678901234567890": integer("123456789012345678901234567890"),
		"9007199254740993":               int64(9007199254740993),
		`{"n":1}`: struct {
			N int `json:"n"`
		}{1},
	} {
		if got := JSON(value).GetText(); got != want {
			t.Errorf("%#v became %s", value, got)
		}
	}
	made := double(1)
	if JSON(made) != made {
		t.Error("a Json was encoded again")
	}
	same(t, "a command", Resume(true).GetResume().GetText(), "true")
}

func TestWhatCannotBeEncoded(t *testing.T) {
	if _, err := EncodeJSON(math.NaN()); err == nil {
		t.Error("NaN was encoded")
	}
	defer func() {
		if recover() == nil {
			t.Error("JSON of a function did not panic")
		}
	}()
	JSON(func() {})
}

func FuzzValue(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5,"x",null,true]}`, "123456789012345678901234567890", "-0", "1e5"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, original string) {
		read, err := Value(text(original))
		if err != nil || strings.Contains(original, "-0") { // a double's negative zero is written as an integer's, which has no sign
			return
		}
		again, err := Value(JSON(read))
		if err != nil || !reflect.DeepEqual(JSON(read), JSON(again)) {
			t.Errorf("%q was read as %#v, and that as %#v (%v)", original, read, again, err)
		}
	})
}
