package broker

// WithBatch returns a folder whose lists have so many names in memory.
func WithBatch(b Broker, batch int) Broker {
	f := *b.(*folder)
	f.batch = batch
	return &f
}
