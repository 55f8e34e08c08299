package support

import (
	"context"

	"latchkey/auth/browser"
	"latchkey/auth/stats"
)

// DailyStats returns the numbers of events on each of the last days, over all accounts. It returns KindNotFound unless the caller is support
// staff, and KindUnavailable when days that were never counted take longer than s.Patience.
func (s *Service) DailyStats(ctx context.Context, by *browser.Session) (stats.Daily, error) {
	if err := requireSupport(by); err != nil {
		return stats.Daily{}, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Patience) // days that are counted are kept, also when the caller hangs up
	defer cancel()
	return s.stats.Daily(ctx)
}
