// Package clients tests the server with clients that nobody here wrote: the
// Evo SDK for Python, the Azure Blob clients for Go, JavaScript and Python, the
// OpenLineage client for Python, and the examples. They are unmodified, and drive
// the real binary.
//
// The tests are behind the build tag ring2. scripts/setup installs what they
// need; what is missing is a failure, never a skip.
package clients
