module example.com/ironforge-worker

go 1.19
