// Package path is the page on which one packet is seen at every hop: the hops
// of a port's path from top to bottom, what was counted there, and below it one
// row a packet with a column a hop. Where packets are lost is told in a sentence.
//
// The page reads a [follow.Session] and nothing else of the world, so that one
// that was recorded shows as a live one does; what only a live one can do says
// so. It asks the session anew when its version has risen: the rows that are on
// the screen for every frame, sums a few times a second.
//
// Who shows a session holds it ([Hold]): the page, and each workspace with its
// captures. The last one to leave closes it. The captures on the nodes end as
// soon as the page is left.
package path
