package operator

import (
	"context"
	"encoding/json"
	"fmt"

	"latchkey/auth"
	"latchkey/auth/client"
	"latchkey/auth/transfer"
	"latchkey/models"
)

// Import imports accounts from another system, each whole or not at all, and returns a result for each record, which is a line of the file that the command
// line imports. A record that cannot be read is refused by its result. dryRun imports none. It returns KindInvalidRequest of users for more than
// transfer.MaxBatch of them or none, and KindInsufficientScope without client.CredentialsWrite.
func (b Backend) Import(ctx context.Context, lines []json.RawMessage, acceptWeak, dryRun bool) ([]transfer.Result, error) {
	if err := b.Needs(client.CredentialsWrite); err != nil {
		return nil, err
	}
	if len(lines) == 0 || len(lines) > transfer.MaxBatch {
		return nil, auth.InvalidField("users", fmt.Sprintf("Send 1 to %d of them at once.", transfer.MaxBatch))
	}
	o := transfer.Options{AcceptWeak: acceptWeak, Client: b.ID}
	if dryRun {
		o.DryRun = &models.ImportSeen{}
	}
	results := make([]transfer.Result, len(lines))
	var records []transfer.Record
	var places []int
	for i, line := range lines {
		r, err := transfer.ParseRecord(line)
		if err != nil {
			results[i] = transfer.Result{Outcome: transfer.Refused, Reason: err.Error()}
			continue
		}
		records, places = append(records, r), append(places, i)
	}
	done, err := b.s.transfers.Import(ctx, records, o)
	if err != nil {
		return nil, err
	}
	for j, r := range done {
		results[places[j]] = r
	}
	return results, nil
}
