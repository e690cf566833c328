// Package client speaks to Coreshed, and to any other server of the Evo File
// API v2: files with versions in workspaces, whose bytes travel on signed URLs.
//
// A [Client] is a hub with a caller's token. [Client.Files] gives the files of
// one workspace:
//
//	c, err := client.New(client.Config{Hub: "http://127.0.0.1:8080", Token: token})
//	files := c.Files(org, workspace)
//	done, err := files.UploadFile(ctx, client.Path("survey/mag.tif"), "mag.tif", client.UploadOptions{})
//	for f, err := range files.List(ctx, coreshed.Filter{}) { … }
//
// What the server refuses is an [*Error], and errors.Is asks for its kind:
// errors.Is(err, coreshed.NotFound). All methods may be called from many
// goroutines.
package client
