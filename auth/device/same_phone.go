package device

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/google/uuid"

	"latchkey/models"
)

// samePhone returns, for each app that may be on the same phone as an earlier one, the latest of those: both are of one client and named
// one installation, and the later one did not prove that it comes from there.
func samePhone(live []models.NamedDevice) map[uuid.UUID]models.Device {
	inOrder := slices.Clone(live)
	slices.SortFunc(inOrder, func(a, b models.NamedDevice) int {
		return cmp.Or(a.Device.CreatedAt.Compare(b.Device.CreatedAt), bytes.Compare(a.Device.ID[:], b.Device.ID[:]))
	})
	same, latest := map[uuid.UUID]models.Device{}, map[string]models.Device{}
	for _, d := range inOrder {
		if len(d.Device.Installation) == 0 {
			continue
		}
		phone := string(d.Device.Installation) + d.Device.ClientID
		if earlier, ok := latest[phone]; ok {
			same[d.Device.ID] = earlier
		}
		latest[phone] = d.Device
	}
	return same
}
