package pane

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/tui/page"
)

func TestUnsavedCountsPacketsThatNobodySaved(t *testing.T) {
	s, at1, at2, _ := triage(t, newClock())
	s.show()
	held := func(f *feed.Feed) int {
		first, next := f.Bounds()
		return int(next - first)
	}
	if got, want := s.Unsaved(), held(at1)+held(at2); got != want {
		t.Fatalf("%d unsaved, want %d", got, want)
	}
	s.press("1", "|") // another view holds the same packets
	if got, want := s.Unsaved(), held(at1)+held(at2); got != want {
		t.Errorf("%d unsaved with a second view, want %d", got, want)
	}
	asked := s.press("W")[0].(SaveMsg)
	at1.Packet(echo(ms(8999), web, db, 8, 98, 64)) // comes while the file is written
	if got, want := s.Unsaved(), held(at1)+held(at2); got != want {
		t.Errorf("%d unsaved before the file is there, want %d", got, want)
	}
	s.Saved(asked)
	if got, want := s.Unsaved(), held(at2)+1; got != want {
		t.Errorf("%d unsaved after a save of the other, want %d", got, want)
	}
	at1.Packet(echo(ms(9000), web, db, 8, 99, 64))
	if got, want := s.Unsaved(), held(at2)+2; got != want {
		t.Errorf("%d unsaved after another packet, want %d", got, want)
	}
	s.Saved(s.press("ctrl+w")[0].(SaveMsg))
	if got := s.Unsaved(); got != 0 {
		t.Errorf("%d unsaved after a save of all", got)
	}
}

func TestClosingAsksForUnsavedPackets(t *testing.T) {
	s, _, _, _ := triage(t, newClock())
	s.show()
	ask := func(out []tea.Msg) page.Ask {
		t.Helper()
		if len(out) != 1 {
			t.Fatalf("X asks for %v", out)
		}
		return out[0].(page.Ask)
	}
	s.press("3", "X") // lines are not asked about
	if s.Panes() != 2 {
		t.Fatal("the pane of lines was not closed")
	}
	s.press("1")
	question := ask(s.press("X"))
	if s.Panes() != 2 || !strings.Contains(question.Detail, "75 packets were not saved") {
		t.Fatalf("%d panes, %+v", s.Panes(), question)
	}
	s.run(s.Update(question.Yes))
	s.run(s.Update(question.Yes)) // an answer that comes twice
	if s.Panes() != 1 {
		t.Errorf("%d panes after the yes", s.Panes())
	}
	s.Saved(s.press("W")[0].(SaveMsg))
	s.press("X")
	if s.Panes() != 0 {
		t.Error("saved packets are asked about")
	}
}
