package graphwire

import (
	"iter"

	"google.golang.org/protobuf/proto"
)

// pages gives the items of all pages, the next of which is asked for when the loop has come to it. The request, whose own token counts for the first page,
// stays as it is.
func pages[Request interface {
	proto.Message
	GetPageToken() string
}, Item any](request Request, fetch func(page Request, token string) ([]Item, string, error)) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		page := proto.CloneOf(request)
		for token, more := request.GetPageToken(), true; more; more = token != "" {
			items, next, err := fetch(page, token)
			if err != nil {
				var none Item
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			token = next
		}
	}
}
