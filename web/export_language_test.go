package web

import (
	"latchkey/auth/notify"
	"latchkey/views/catalog"
)

// MailRendererIn is MailRenderer with any languages that there are.
func MailRendererIn(baseURL string, tags ...string) notify.Render {
	choice, err := catalog.NewChoice(tags, tags)
	if err != nil {
		panic(err)
	}
	return Brand{}.mailRenderer(baseURL, choice)
}

// Offer makes a server offer any languages that there are, pseudo-languages among them.
func (s *Server) Offer(tags ...string) error {
	choice, err := catalog.NewChoice(tags, tags)
	s.languages = choice
	return err
}
