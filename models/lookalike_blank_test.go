package models_test

import (
	"testing"

	"latchkey/models"
)

// The Default_Ignorable_Code_Points of Unicode 16 (DerivedCoreProperties.txt).
var defaultIgnorable = [][2]rune{
	{0x00ad, 0x00ad}, {0x034f, 0x034f}, {0x061c, 0x061c}, {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180b, 0x180f}, {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x206f},
	{0x3164, 0x3164}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff0, 0xfff8}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
}

// drawnAsBlank are characters that many fonts give the width of a letter and no picture.
var drawnAsBlank = []rune{0x115f, 0x1160, 0x2800, 0x3164, 0xffa0, 0x1d159, 0x13441, 0x13442}

// What is not seen tells no names apart, wherever it stands, and makes no name.
func TestNoInvisibleCharacterTellsNamesApart(t *testing.T) {
	same := func(r rune, a, b string) {
		if !alike(a, b) || !alike(b, a) {
			t.Errorf("%U: %+q and %+q differ: %+q, %+q", r, a, b, models.LookAlikes(a), models.LookAlikes(b))
		}
	}
	each := func(r rune) {
		c := string(r)
		if !models.NameIsBlank(c) || !models.NameIsBlank(" "+c+"\u0301"+c) {
			t.Errorf("%U is taken for a name", r)
		}
		for _, with := range []string{"pho" + c + "ne", c + "phone", "phone" + c, "p" + c + c + "hone", "РНО" + c + "NE"} {
			same(r, "phone", with)
		}
		same(r, "my phone", "my "+c+"phone")
		same(r, "my phone", "m"+c+"y phone")
		same(r, "phone (2)", "phone"+c+" (2)")
	}
	for _, span := range defaultIgnorable {
		for r := span[0]; r <= span[1]; r++ {
			each(r)
		}
	}
	for _, r := range drawnAsBlank {
		each(r)
		same(r, "my phone", "my"+string(r)+"phone") // as most programs draw it
		same(r, "my phone", "MY"+string(r)+"рhone")
		same(r, "my phone", "my"+string(r)+"pho"+string(r)+"ne")
		same(r, "Iris", "lr"+string(r)+"is")
	}
}

func TestEmojiAreNames(t *testing.T) {
	names := []string{
		"❤️", "👨‍👩‍👧", "👩🏽‍💻", "🏳️‍🌈", "🏴‍☠️", "🇩🇪", "🇺🇳", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
		"1️⃣", "#️⃣", "*️⃣", "👍🏿", "🏽", "🫱🏻‍🫲🏿", "☎️", "⌚︎",
	}
	for i, a := range names {
		if models.NameIsBlank(a) {
			t.Errorf("%q is taken for nothing", a)
		}
		for _, b := range names[:i] {
			if alike(a, b) {
				t.Errorf("%q and %q are the same", a, b)
			}
		}
	}
}
