package api

import "testing"

func TestTheRefusalOfAGrantNamesThoseThatThereAre(t *testing.T) {
	for _, c := range []struct {
		table map[string]grantType
		want  string
	}{
		{map[string]grantType{"refresh_token": {}}, "The only grant_type here is refresh_token."},
		{map[string]grantType{"refresh_token": {}, "authorization_code": {}}, "The grant_type must be authorization_code or refresh_token."},
		{map[string]grantType{"refresh_token": {}, "b": {}, "a": {}}, "The grant_type must be a, b or refresh_token."},
	} {
		if got := unsupportedGrant(c.table).Error(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
