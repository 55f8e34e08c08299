package passkey_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"latchkey/auth/passkey"
)

// stored is a record as version 1 wrote it. It must stay readable.
const stored = `{"v":1,"public_key":"pQECAyYgASFYIA==","aaguid":"fbfc3007-154e-4ecc-8c0b-6e020557d7bd","attestation":"none",` +
	`"transports":["hybrid","internal"],"backup_eligible":true}`

func TestRecordsOfVersion1StayReadable(t *testing.T) {
	got, err := passkey.FromRecord([]byte("id"), []byte(stored), 7, true)
	if err != nil {
		t.Fatal(err)
	}
	want := passkey.Credential{
		ID: []byte("id"), SignCount: 7, BackedUp: true,
		PublicKey: []byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20}, AAGUID: uuid.MustParse("fbfc3007-154e-4ecc-8c0b-6e020557d7bd"),
		Attestation: "none", Transports: []string{"hybrid", "internal"}, BackupEligible: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if again, err := got.Record(); err != nil || string(again) != stored {
		t.Errorf("encoded again: %s, %v", again, err)
	}
}

func TestRecordsThatCannotBeReadAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		id, record string
		count      int64
		want       string
	}{
		"of a later version":   {"id", strings.Replace(stored, `"v":1`, `"v":2`, 1), 0, "version 2"},
		"without a version":    {"id", strings.Replace(stored, `"v":1,`, "", 1), 0, "version 0"},
		"without a key":        {"id", `{"v":1}`, 0, "missing"},
		"without an ID":        {"", stored, 0, "missing"},
		"of no JSON":           {"id", "secret", 0, "not the JSON"},
		"of other JSON":        {"id", `{"v":"secret"}`, 0, "not the JSON"},
		"empty":                {"id", "", 0, "not the JSON"},
		"with a count below 0": {"id", stored, -1, "counter"},
		"with a huge count":    {"id", stored, 1 << 32, "counter"},
	} {
		got, err := passkey.FromRecord([]byte(test.id), []byte(test.record), test.count, false)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
		if diff := cmp.Diff(passkey.Credential{}, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestDefaultNames(t *testing.T) {
	for aaguid, want := range map[string]string{
		"00000000-0000-0000-0000-000000000000": "Passkey",
		"ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4": "Google Password Manager",
		"08987058-cadc-4b81-b6e1-30de50dcbe96": "Windows Hello",
		"2fc0579f-8113-47ea-b116-bb5a8db9202a": "YubiKey 5 NFC",
	} {
		if got := (passkey.Credential{AAGUID: uuid.MustParse(aaguid)}).DefaultName(); got != want {
			t.Errorf("%s: %q, want %q", aaguid, got, want)
		}
	}
}
