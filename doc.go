// Package coreshed is the domain of Coreshed in one page: the words that every
// API family, the store and the command line share.
//
// An organisation has workspaces; a workspace has files; a [File] has one
// address (its path) and a series of versions; a [Version] is immutable and
// owns its bytes. The rules:
//
//  1. A File's address is unique, by folded key ([FoldPath]), among the live
//     Files of its workspace. Only restore changes it.
//  2. An upload adds a version to the File at its address, or makes that File.
//     What is found again in a folder belongs to the File that was found there;
//     what a [Run] makes, to the File of the same product, else the one at its
//     path.
//  3. A version that is followed by another is superseded; this is stored when
//     the newer one commits, or is published, never derived from clocks.
//  4. The current version of a File is the newest in its commit sequence.
//  5. Ids never repeat, also after removal. A version's created_at and version
//     id are strictly increasing within its File.
//  6. Every version has a [ByteState]; what cannot be served intact is never
//     served.
//  7. An upload in progress is a [Reservation] and has no version: a version
//     is seen only when it is whole.
//
// A version is also an [Entry] of the catalogue: with times, place, sensor and
// provenance. A [Run] reads versions and makes others. An [Access] is what a
// caller may do in a workspace, a [View] what they may see across workspaces.
//
// The package imports nothing of Coreshed's own, opens no file and no
// connection. Times are in UTC with microseconds.
package coreshed
