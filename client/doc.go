// Package client speaks to Coreshed, and as far as files and workspaces go to any
// other server of the Evo File API v2: files with versions in workspaces, whose
// bytes travel on signed URLs.
//
// A [Client] is a hub with a caller's token. [Client.Files] gives the files of
// one workspace:
//
//	c, err := client.New(client.Config{Hub: "http://127.0.0.1:8080", Token: token})
//	files := c.Files(org, workspace)
//	done, err := files.UploadFile(ctx, client.Path("survey/mag.tif"), "mag.tif", client.UploadOptions{})
//	for f, err := range files.List(ctx, coreshed.Filter{}) { … }
//
// The methods of Coreshed's own API record runs, with what they have read and
// made, and ask for lineage: [Files.RecordRun], [Client.Lineage]. Those of Scale's
// register what lies in a folder or bucket: [Client.CreatePlace],
// [Client.CreateScan].
//
// What the server refuses is an [*Error], and errors.Is asks for its kind:
// errors.Is(err, coreshed.NotFound). All methods may be called from many
// goroutines.
package client
