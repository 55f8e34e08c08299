package web

import "latchkey/views/catalog"

// Offer makes a server offer any languages that there are, pseudo-languages among them.
func (s *Server) Offer(tags ...string) error {
	choice, err := catalog.NewChoice(tags, tags)
	s.languages = choice
	return err
}
