/* Linked with the whole of one layer and the libraries it declares, nothing else: that it links is the test. */
int main (void);

int
main (void)
{
  return 0;
}
