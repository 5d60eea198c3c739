package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
)

// decryptCommand is the other side of encryptCommand. Decrypted files have mode 0600.
func (a *app) decryptCommand() *cobra.Command {
	var f cryptFlags
	cmd := &cobra.Command{
		Use:   "decrypt [--key NAME] [FILE]",
		Short: "Decrypt a file with a key that stays in the daemon",
		Long: "Decrypt what encrypt made. The file itself says which version of which key opens it; --key NAME looks in that slot only.\n" +
			"Every piece is verified before it is written. With -o the file appears only when all of it was verified; on standard\n" +
			"output what comes before an altered or missing piece has been written when the exit status says 1.\n\n" +
			"--raw reads the plain algorithm, as encrypt --raw writes it. CBC and CTR cannot tell altered data.",
		Example: "  claviger decrypt -o trip.log trip.age",
		Args:    cobra.MaximumNArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			r, err := f.request(claviger.Decrypting, args)
			if err != nil {
				return err
			}
			return a.withLink(func(ctx context.Context, l *link, _ []string) error {
				if f.raw != "" {
					return a.rawCrypt(ctx, l, r)
				}
				return a.decryptAge(ctx, &finder{ctx: ctx, l: l, name: f.key, at: f.at}, r.file, f.out)
			})(ctx, args)
		}),
	}
	f.bind(cmd)
	return cmd
}

// decryptAge decrypts one file of the age format, armored or not.
func (a *app) decryptAge(ctx context.Context, id *finder, file, outName string) error {
	in, err := a.open(ctx, file)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := a.create(outName, secretMode)
	if err != nil {
		return err
	}
	defer out.discard()
	plain, err := age.Decrypt(dearmor(in), id)
	if err != nil {
		return id.judge(in, err)
	}
	p := a.progress(in.name, in.size)
	defer p.done()
	buf := make([]byte, 64<<10)
	defer clear(buf)
	for ctx.Err() == nil {
		n, err := plain.Read(buf)
		if _, err := out.Write(buf[:n]); err != nil {
			return err
		}
		p.add(n)
		if errors.Is(err, io.EOF) {
			return out.commit()
		}
		if err != nil {
			return id.judge(in, err)
		}
	}
	return ctx.Err()
}

// dearmor takes the armor off, if there is one.
func dearmor(r io.Reader) io.Reader {
	b := bufio.NewReaderSize(r, chunkSize)
	start, _ := b.Peek(len(armor.Header)) // less is no armor
	if bytes.Equal(start, []byte(armor.Header)) {
		return armor.NewReader(b)
	}
	return b
}

// judge says what an error of age means: the file could not be read, the daemon did not help, or the file is not what
// it should be.
func (f *finder) judge(in *input, err error) error {
	if in.err != nil {
		return in.err
	}
	if _, ok := errors.AsType[*claviger.Error](err); ok {
		return asVerdict(err, claviger.ErrOperationFailed, claviger.ErrInvalidFormat)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if !notOurs(err) {
		return verdictf(claviger.ErrInvalidFormat, "%s is altered, cut off or no age file: %v", in.name, err)
	}
	switch {
	case f.seen == "":
		return verdictf(claviger.ErrResourceNotFound, "%s is not encrypted for a key of Claviger", in.name)
	case f.name != "":
		return verdictf(claviger.ErrResourceNotFound, "%s needs key version %s, which is not in slot %q", in.name, claviger.Clip(f.seen), f.name)
	}
	return verdictf(claviger.ErrResourceNotFound, "%s needs key version %s, which is in none of your slots", in.name, claviger.Clip(f.seen))
}
